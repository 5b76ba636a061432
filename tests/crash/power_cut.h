// Which states of a lower filesystem a power cut can leave, given the calls that were made on it.
//
// What both journals do (Linux, Documentation/filesystems/ext4/journal.rst and admin-guide/ext4.rst,
// data=ordered with delayed allocation; Documentation/filesystems/xfs/xfs-delayed-logging-design.rst):
// - Names, explicit sizes, modes and xattrs survive as a prefix of the order in which they were changed: jbd2
//   commits one running transaction after the other, XFS replays its log up to the last whole checkpoint.
// - Of the data pages any subset survives, each in any version since its last sync: writeback takes pages in
//   any order and at any time. A page that a truncate freed has other blocks when it is written again, so the
//   newer bytes are there only with the truncate; beyond the size there is nothing; a hole reads zero.
// - A punched page is metadata like a truncate: part of the order of names and sizes, and the pages of one
// call
//   go one after the other (both journals cut a long range into transactions). What was written before it
//   never comes back once it is there, what is written after it has new blocks. FALLOC_FL_ZERO_RANGE is the
//   same but on ext4, where the blocks stay: newer bytes may be there without it.
// - Plain allocation changes no bytes: blocks that were never written read as zeros.
// - A write past the end changes the size at writeback, not at the call: the file may be named and short.
// - syncfs: all before it is durable.
//
// Where they differ:
// - ext4: a sync of an inode whose metadata is not committed yet commits the running transaction, and with it
//   all that was changed before (jbd2_complete_transaction of i_sync_tid or i_datasync_tid). The size of a
//   delayed write may precede its data (blocks are unwritten until then, dioread_nolock): a page of zeros.
// - XFS: a sync forces the log up to the inode's last change and promises nothing of later changes. The
//   size follows the data (it is set when the write of the page is done).
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/crash/lower_log.h"

namespace enfold {

enum class Journal : std::uint8_t { kExt4, kXfs };
std::string_view name_of(Journal journal);

class PowerCut {
 public:
  // `log` outlives this.
  PowerCut(const LowerLog& log, Journal journal) : log_(log), journal_(journal) {}

  // When the power goes: so many calls were made. One moment before each sync, and the end, give all states:
  // between two syncs a later moment allows whatever an earlier one does.
  [[nodiscard]] std::vector<std::size_t> moments() const;

  // For each root, how many calls' metadata survived.
  using Prefixes = std::vector<std::size_t>;
  [[nodiscard]] Prefixes shortest_prefixes(std::size_t moment) const;

  // What is left open when moment and prefixes are chosen: one digit for each page and size that has more
  // than one way to be.
  struct Choices {
    LowerTree tree;                    // names, modes, xattrs
    std::vector<NodeId> files;         // with the slots below in their order
    std::vector<std::size_t> options;  // of each digit
    [[nodiscard]] double count() const;
    struct FileSlots {
      std::vector<std::uint64_t> sizes;
      std::vector<std::size_t> size_calls;         // the write behind each size; kNoCall
      std::vector<std::uint64_t> pages;            // indices
      std::vector<std::vector<PagePtr>> versions;  // of each page
      std::vector<std::vector<std::size_t>> version_calls;
    };
    std::vector<FileSlots> slots;
  };
  [[nodiscard]] Choices choices(std::size_t moment, const Prefixes& prefixes) const;

  // `digits` has one number below options[i] for each i. False where the journal forbids this combination.
  bool build(const Choices& choices, const std::vector<std::size_t>& digits, LowerTree& out) const;

 private:
  struct Synced {
    Prefixes prefixes;                      // forced so far
    std::map<NodeId, std::size_t> content;  // calls before this one are durable for the node's data
  };
  [[nodiscard]] Synced synced(std::size_t moment) const;
  void sync_node(std::size_t at, Synced& out) const;
  [[nodiscard]] Choices::FileSlots slots_of(NodeId node, std::size_t moment, std::size_t prefix,
                                            std::size_t durable) const;
  void add_sizes(NodeId node, std::size_t moment, std::size_t prefix, std::size_t durable,
                 Choices::FileSlots& out) const;
  void add_pages(NodeId node, std::size_t moment, std::size_t prefix, std::size_t durable,
                 Choices::FileSlots& out) const;

  const LowerLog& log_;
  Journal journal_;
};

}  // namespace enfold
