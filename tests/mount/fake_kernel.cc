#include "tests/mount/fake_kernel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "fs/mount/channel.h"
#include "fs/mount/operations.h"

namespace enfold {
namespace {

constexpr std::size_t kMaxMessage_bytes = 64 * 1024;

}  // namespace

FakeKernel::FakeKernel(Volume& volume) : mounted_(volume, clock_) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  kernel_end_ = Fd(ends[0]);
  fuse_args arguments = FUSE_ARGS_INIT(0, nullptr);
  fuse_opt_add_arg(&arguments, "test");
  session_ = fuse_session_new(&arguments, &operations(), sizeof(fuse_lowlevel_ops), &mounted_);
  mounted_.session = session_;
  fuse_opt_free_args(&arguments);
  fuse_custom_io io = channel_io();
  EXPECT_EQ(fuse_session_custom_io(session_, &io, ends[1]), 0);
}

FakeKernel::~FakeKernel() {
  fuse_session_destroy(session_);
  std::free(buffer_.mem);  // NOLINT: libfuse takes it from malloc
}

void FakeKernel::send(fuse_opcode opcode, std::uint64_t inode, ByteSpan body) {
  fuse_in_header header{};
  header.len = static_cast<std::uint32_t>(sizeof(header) + body.size());
  header.opcode = opcode;
  header.unique = ++unique_;
  header.nodeid = inode;
  Bytes message = wire(header);
  message.insert(message.end(), body.begin(), body.end());
  ASSERT_EQ(::write(kernel_end_.get(), message.data(), message.size()), static_cast<ssize_t>(message.size()));
}

void FakeKernel::serve_one() {
  ASSERT_GT(fuse_session_receive_buf(session_, &buffer_), 0);
  fuse_session_process_buf(session_, &buffer_);
}

FakeKernel::Reply FakeKernel::ask(fuse_opcode opcode, std::uint64_t inode, ByteSpan body) {
  send(opcode, inode, body);
  serve_one();
  Bytes message(kMaxMessage_bytes);
  ssize_t got = 0;
  fuse_out_header header{};
  do {  // what is no answer to anything is a notification, with its kind for the error
    got = ::recv(kernel_end_.get(), message.data(), message.size(), MSG_DONTWAIT);
    EXPECT_GE(got, static_cast<ssize_t>(sizeof(fuse_out_header))) << "no answer";
    if (got < static_cast<ssize_t>(sizeof(fuse_out_header))) return {.error = ENOMSG, .body = {}};
    std::memcpy(&header, message.data(), sizeof(header));
    if (header.unique == 0) notified.push_back(static_cast<fuse_notify_code>(header.error));
  } while (header.unique == 0);
  EXPECT_EQ(header.unique, unique_);
  return {.error = -header.error, .body = Bytes(message.begin() + sizeof(header), message.begin() + got)};
}

void FakeKernel::tell(fuse_opcode opcode, std::uint64_t inode, ByteSpan body) {
  send(opcode, inode, body);
  serve_one();
  std::array<std::uint8_t, 64> unwanted{};
  EXPECT_LT(::recv(kernel_end_.get(), unwanted.data(), unwanted.size(), MSG_DONTWAIT), 0) << "an answer";
}

fuse_init_out FakeKernel::init(std::uint32_t flags) {
  fuse_init_in offer{};
  offer.major = FUSE_KERNEL_VERSION;
  offer.minor = FUSE_KERNEL_MINOR_VERSION;
  offer.max_readahead = 128 * 1024;
  offer.flags = flags;
  return ask(FUSE_INIT, 0, wire(offer)).as<fuse_init_out>();
}

}  // namespace enfold
