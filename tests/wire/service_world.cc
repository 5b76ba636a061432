#include "tests/wire/service_world.h"

#include <boost/json.hpp>

#include "kms/store/store.h"
#include "kms/store/store_admin.h"

namespace enfold {
namespace {

namespace json = boost::json;

std::string target_of(std::string_view operation) {
  return (operation.find('.') == std::string_view::npos ? "TrentService." : "") + std::string(operation);
}

template <class T>
T good(Result<T> result) {
  if (!result) ADD_FAILURE() << describe(result.error());
  return *std::move(result);
}

}  // namespace

std::string ReadAnswer::type() const { return text("__type"); }
std::string ReadAnswer::message() const { return text("message"); }

json::object ReadAnswer::json() const {
  boost::system::error_code error;
  json::value value = json::parse(body, error);
  if (error || !value.is_object()) {
    ADD_FAILURE() << "no JSON object: " << body;
    return {};
  }
  return value.get_object();
}

std::string ReadAnswer::text(std::string_view name) const {
  if (body.empty()) return "";
  const json::object object = json();
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

HttpRequestView OwnedRequest::view() const {
  HttpRequestView view{.method = method, .target = target, .headers = {}, .body = body};
  for (const OwnedHeader& header : headers) view.headers.push_back({header.name, header.value});
  return view;
}

std::string& OwnedRequest::value(std::string_view name) {
  for (OwnedHeader& header : headers)
    if (is_header(header.name, name)) return header.value;
  return headers.emplace_back(std::string(name), "").value;
}

void OwnedRequest::erase(std::string_view name) {
  std::erase_if(headers, [&](const OwnedHeader& header) { return is_header(header.name, name); });
}

ServiceWorld::ServiceWorld() {
  make_store(temp_ / "kms");
  FixedPassphrase unused;
  engine_ = std::make_unique<Engine>(open_store(temp_ / "kms", unused, entropy_).value(), entropy_, clock_);
  service_ = std::make_unique<KmsService>(*engine_, clock_, entropy_, "local");
  good(engine_->add_principal({std::string(kAccount), "alice", {kAliceUnixId}}));
  access_key_ = good(engine_->create_access_key(std::string(kAccount), "alice"));
}

ServiceWorld::~ServiceWorld() = default;

ReadAnswer ServiceWorld::send(const OwnedRequest& request, const ConnectionPeer& peer) {
  const HttpAnswer answer = service_->handle(request.view(), peer);
  return {answer.status, std::string(answer.body), answer.request_id, answer.content_type};
}

OwnedRequest ServiceWorld::request(std::string_view operation, std::string_view body) {
  OwnedRequest out;
  out.headers = {{"Host", "localhost:8080"},
                 {"Content-Type", "application/x-amz-json-1.1"},
                 {"X-Amz-Target", target_of(operation)}};
  out.body = body;
  return out;
}

ReadAnswer ServiceWorld::call(std::string_view operation, std::string_view body) {
  return call_as(kAliceUnixId, operation, body);
}

ReadAnswer ServiceWorld::call_as(std::uint32_t unix_id, std::string_view operation, std::string_view body) {
  return send(request(operation, body), {unix_id});
}

OwnedRequest ServiceWorld::signed_request(std::string_view operation, std::string_view body,
                                          const std::string& region) {
  OwnedRequest out = request(operation, body);
  const SigningKey key{access_key_.id, access_key_.secret.expose(), {}};
  for (OwnedHeader& header : sign_request(out.view(), key, region, clock_.unix_ms()))
    out.headers.push_back(std::move(header));
  return out;
}

std::string ServiceWorld::new_key(const std::string& description) {
  const ReadAnswer answer = call("CreateKey", json::serialize(json::object{{"Description", description}}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  return std::string(answer.json().at("KeyMetadata").at("KeyId").as_string());
}

}  // namespace enfold
