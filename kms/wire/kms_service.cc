#include "kms/wire/kms_service.h"

#include <boost/json.hpp>

#include "kms/engine/random_uuid.h"
#include "kms/wire/answer_members.h"
#include "kms/wire/authentication.h"
#include "kms/wire/json_memory.h"
#include "kms/wire/kms_operations.h"
#include "kms/wire/operation_table.h"

namespace enfold {
namespace {

constexpr std::string_view kContentType = "application/x-amz-json-1.1";

bool is_our_content_type(std::string_view value) {
  value = value.substr(0, value.find(';'));
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  return is_header(value, kContentType);  // in any case, as the name of a header
}

// What is addressed to no operation of this protocol: AWS answers 404 where it is not of the protocol.
AwsResult<const KmsOperation*> find_operation(const HttpRequestView& request) {
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  if (request.method != "POST" || path != "/" || !is_our_content_type(request.header("content-type")))
    return std::unexpected(AwsError{.type = "UnknownOperationException", .message = {}, .status = 404});
  const KmsOperation* operation = KmsOperations::find(request.header("x-amz-target"));
  if (operation == nullptr) return aws_error("UnknownOperationException", "");
  return operation;
}

}  // namespace

KmsService::KmsService(Engine& engine, Clock& clock, Entropy& entropy, std::string home_region)
    : engine_(engine), clock_(clock), entropy_(entropy), home_region_(std::move(home_region)) {}

std::size_t KmsService::body_limit(const HttpRequestView& head, const ConnectionPeer& peer) {
  const KmsOperation* operation = KmsOperations::find(head.header("x-amz-target"));
  const bool may_be_large =
      operation != nullptr && operation->is_batch && names_somebody(head, peer, engine_);
  return may_be_large ? Limits().batch_body : Limits().body;
}

HttpAnswer KmsService::handle(const HttpRequestView& request, const ConnectionPeer& peer) {
  AwsResult<WipedString> body = run(request, peer);
  if (!body) return refuse(body.error());
  return {.request_id = uuid_text(random_uuid(entropy_)),
          .content_type = std::string(kContentType),
          .body = *std::move(body)};
}

HttpAnswer KmsService::refuse(const AwsError& error) {
  if (error.cause && observer_ != nullptr) observer_->on_failure(*error.cause);
  boost::json::object object;
  put_error(object, error);
  return {.status = error.status,
          .request_id = uuid_text(random_uuid(entropy_)),
          .content_type = std::string(kContentType),
          .body = json_text(object)};
}

AwsResult<WipedString> KmsService::run(const HttpRequestView& request, const ConnectionPeer& peer) {
  ENFOLD_AWS_TRY_ASSIGN(const KmsOperation* operation, find_operation(request));
  if (request.body.size() > (operation->is_batch ? Limits().batch_body : Limits().body))
    return std::unexpected(AwsError{.type = "RequestEntityTooLargeException",
                                    .message = "The request's body is too large.",
                                    .status = 413});
  // Parsing takes a multiple of it, and a head alone may only pretend to be somebody's.
  if (request.body.size() > Limits().body)
    ENFOLD_AWS_TRY(authenticate(request, peer, engine_, home_region_, clock_.unix_ms()));
  JsonArena arena;
  ENFOLD_AWS_TRY_ASSIGN(const boost::json::object object, parse_json(request.body, arena));
  ENFOLD_AWS_TRY_ASSIGN(const RequestSender sender,
                        authenticate(request, peer, engine_, home_region_, clock_.unix_ms()));
  const OperationCaller caller{.caller = sender.caller ? &*sender.caller : nullptr,
                               .is_administrator = sender.is_administrator};
  ENFOLD_AWS_TRY_ASSIGN(const boost::json::object answer,
                        KmsOperations(engine_).call(caller, *operation, object));
  return operation->answers ? json_text(answer) : WipedString();
}

}  // namespace enfold
