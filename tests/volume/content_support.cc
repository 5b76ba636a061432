#include "tests/volume/content_support.h"

#include <cstdlib>

namespace enfold {
namespace {

std::string temporary_directory() {
  const char* given = std::getenv("TMPDIR");
  return given != nullptr ? given : "/tmp";
}

}  // namespace

LowerFile::LowerFile() {
  auto fd = files_.open_at(AT_FDCWD, temporary_directory(), O_TMPFILE | O_RDWR, 0600);
  EXPECT_TRUE(is_ok(fd));
  if (fd) fd_ = std::move(*fd);
}

Fd LowerFile::descriptor(int flags) const {
  auto fd = files_.reopen(fd_.get(), flags);
  EXPECT_TRUE(is_ok(fd));
  return fd ? std::move(*fd) : Fd();
}

std::uint64_t LowerFile::size() const { return files_.stat_at(fd_.get(), "").value().stx_size; }

Bytes LowerFile::bytes() const {
  Bytes out(size());
  EXPECT_EQ(read_full(files_, fd_.get(), out, 0).value_or(0), out.size());
  return out;
}

void LowerFile::replace(ByteSpan content) {
  truncate(0);
  put(0, content);
}

void LowerFile::put(std::uint64_t offset, ByteSpan bytes) {
  EXPECT_TRUE(is_ok(write_full(files_, fd_.get(), bytes, offset)));
}

void LowerFile::truncate(std::uint64_t size) { EXPECT_TRUE(is_ok(files_.truncate(fd_.get(), size))); }

timespec LowerFile::modification_time() const {
  const StatX stat = files_.stat_at(fd_.get(), "").value();
  return {stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec};
}

std::shared_ptr<FileBody> ContentWorld::create() {
  auto prepared = FileBody::prepare(context);
  EXPECT_TRUE(is_ok(prepared));
  if (!prepared) return nullptr;
  auto body =
      FileBody::create(context, std::move(*prepared), lower.descriptor(), format_test::sample_directory());
  EXPECT_TRUE(is_ok(body));
  return body.value_or(nullptr);
}

Result<std::shared_ptr<FileBody>> ContentWorld::open(bool writable) {
  return FileBody::open(context, lower.descriptor(writable ? O_RDWR : O_RDONLY), writable);
}

std::shared_ptr<FileBody> ContentWorld::reopen(std::shared_ptr<FileBody> body) {
  EXPECT_TRUE(is_ok(body->seal(0)));
  cache.forget(body->file_id());
  body.reset();
  auto opened = open();
  EXPECT_TRUE(is_ok(opened));
  return opened.value_or(nullptr);
}

StateRecord ContentWorld::record() {
  HeaderPage page{};
  std::ranges::copy(ByteSpan(lower.bytes()).first(page.size()), page.begin());
  auto header = decode_header(page, keys);
  EXPECT_TRUE(is_ok(header));
  return header ? header->state : StateRecord{};
}

void ContentWorld::put_record(const StateRecord& record) {
  HeaderPage page{};
  std::ranges::copy(ByteSpan(lower.bytes()).first(page.size()), page.begin());
  const FileId file = decode_prefix(prefix_of(page)).value().file;
  encode_state(record, prefix_of(page), keys.state_mac(file), state_of(page));
  lower.put(0, page);
}

Bytes random_bytes(SharedEntropy& entropy, std::size_t size) {
  Bytes out(size);
  entropy.fill(out);
  return out;
}

Result<Bytes> content_of(FileBody& body) {
  Bytes out(body.length());
  ENFOLD_TRY_ASSIGN(const std::size_t size, body.read(0, out));
  out.resize(size);
  return out;
}

}  // namespace enfold
