#include "kms/wire/json_memory.h"

#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <vector>

#include "kms/crypto/wiped_bytes.h"

namespace enfold {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 16;

// Boost.JSON gives back the name of a member with another alignment than it asked for, so none is passed on;
// what `new` gives suits everything in JSON.
class WipingHeap final : public json::memory_resource {
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    if (alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__) std::abort();
    return ::operator new(size);
  }
  void do_deallocate(void* memory, std::size_t size, std::size_t /*alignment*/) override {
    wipe({static_cast<std::uint8_t*>(memory), size});
    ::operator delete(memory, size);
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

class JsonArena::Resource final : public json::memory_resource {
 public:
  Resource() = default;
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  ~Resource() override { wipe(std::span(first_).first(first_.size() - rest_of_first())); }

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    if (void* memory = take(size, alignment)) return memory;
    const std::size_t block =
        std::max(size + alignment, blocks_.empty() ? 2 * first_.size() : 2 * blocks_.back().size());
    if (blocks_.empty()) left_in_first_ = rest_.size();
    blocks_.emplace_back(block);
    rest_ = blocks_.back().expose_mutable();
    void* memory = take(size, alignment);
    if (memory == nullptr) std::abort();
    return memory;
  }
  void do_deallocate(void* /*memory*/, std::size_t /*size*/, std::size_t /*alignment*/) override {}
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }

  void* take(std::size_t size, std::size_t alignment) {
    void* memory = rest_.data();
    std::size_t space = rest_.size();
    if (std::align(alignment, size, memory, space) == nullptr) return nullptr;
    rest_ = rest_.last(space - size);
    return memory;
  }

  [[nodiscard]] std::size_t rest_of_first() const { return blocks_.empty() ? rest_.size() : left_in_first_; }

  std::array<std::uint8_t, 16 * 1024> first_;  // NOLINT(*-member-init): written before it is read
  std::vector<WipedBytes> blocks_;
  MutableByteSpan rest_ = first_;
  std::size_t left_in_first_ = 0;  // only where there are blocks
};

JsonArena::JsonArena() : resource_(new Resource) {}

JsonArena::~JsonArena() = default;

json::storage_ptr JsonArena::storage() { return resource_.get(); }

json::storage_ptr wiping_storage() { return json::make_shared_resource<WipingHeap>(); }

AwsResult<json::object> parse_json(std::string_view text, JsonArena& arena) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::parser parser(arena.storage(), options);
  parser.reset(arena.storage());
  boost::system::error_code error;
  parser.write(text.data(), text.size(), error);
  if (error) return aws_error("SerializationException", "");
  json::value value = parser.release();
  if (!value.is_object()) return aws_error("SerializationException", "");
  return std::move(value.get_object());
}

WipedString json_text(const json::object& object) {
  constexpr std::size_t kFirst = 1024;
  json::serializer serializer;
  serializer.reset(&object);
  WipedString out(kFirst, '\0');
  std::size_t used = 0;
  while (true) {
    used += serializer.read(out.data() + used, out.size() - used).size();
    if (serializer.done()) break;
    out.resize(2 * out.size());
  }
  out.resize(used);
  return out;
}

}  // namespace enfold
