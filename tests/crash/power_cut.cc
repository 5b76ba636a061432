#include "tests/crash/power_cut.h"

#include <set>

namespace enfold {
namespace {

using Kind = LowerCall::Kind;
constexpr std::size_t kNoCall = static_cast<std::size_t>(-1);

// Of the metadata calls on a node, those that fdatasync waits for.
bool is_needed_to_read(const LowerCall& call) {
  return call.kind == Kind::kCreate || call.kind == Kind::kTruncate || call.kind == Kind::kPunch;
}

// Truncates of `node` and punches of its `page`, from call `from` on.
template <class Act>
void for_cuts(const LowerLog& log, NodeId node, std::uint64_t page, std::size_t from, std::size_t until,
              Act act) {
  for (std::size_t at = from; at < until; ++at) {
    const LowerCall& call = log.calls[at];
    if (call.node != node) continue;
    if (call.kind == Kind::kTruncate || (call.kind == Kind::kPunch && call.page == page)) act(call);
  }
}

bool takes_all(const LowerCall& cut, std::uint64_t page) {
  return cut.kind == Kind::kPunch || cut.size <= page * kPageBytes;
}

// What is left of a page after the cuts that survived, newer than the page.
PagePtr after_cuts(const LowerLog& log, NodeId node, std::uint64_t page, PagePtr content, std::size_t from,
                   std::size_t prefix) {
  for_cuts(log, node, page, from, prefix, [&](const LowerCall& call) {
    const std::uint64_t start = page * kPageBytes;
    if (content && takes_all(call, page)) content = nullptr;
    if (!content || call.size >= start + kPageBytes) return;
    auto cut = std::make_shared<LowerPage>(*content);
    std::fill(cut->begin() + static_cast<std::ptrdiff_t>(call.size - start), cut->end(), std::uint8_t{0});
    content = std::move(cut);
  });
  return content;
}

// Whether a cut that did not survive came between: then the page's new blocks did not either.
bool freed_by_lost_cut(const LowerLog& log, Journal journal, const LowerCall& write, std::size_t prefix,
                       std::size_t until) {
  bool freed = false;
  for_cuts(log, write.node, write.page, prefix, until, [&](const LowerCall& call) {
    const bool keeps_blocks = call.keeps_blocks && journal == Journal::kExt4;
    freed |= takes_all(call, write.page) && !keeps_blocks;
  });
  return freed;
}

bool same_page(const PagePtr& a, const PagePtr& b) {
  static const LowerPage kZeros{};
  return (a ? *a : kZeros) == (b ? *b : kZeros);
}

void add_version(PowerCut::Choices::FileSlots& slots, std::size_t slot, PagePtr content, std::size_t call) {
  for (std::size_t i = 0; i < slots.versions[slot].size(); ++i)
    if (same_page(slots.versions[slot][i], content)) {
      if (call != kNoCall) slots.version_calls[slot][i] = call;
      return;
    }
  slots.versions[slot].push_back(std::move(content));
  slots.version_calls[slot].push_back(call);
}

}  // namespace

std::string_view name_of(Journal journal) { return journal == Journal::kExt4 ? "ext4" : "XFS"; }

std::vector<std::size_t> PowerCut::moments() const {
  std::vector<std::size_t> out;
  for (std::size_t at = 0; at < log_.calls.size(); ++at)
    if (log_.calls[at].is_sync()) out.push_back(at);
  out.push_back(log_.calls.size());
  return out;
}

PowerCut::Prefixes PowerCut::shortest_prefixes(std::size_t moment) const { return synced(moment).prefixes; }

PowerCut::Synced PowerCut::synced(std::size_t moment) const {
  Synced out;
  out.prefixes.assign(log_.start.roots.size(), 0);
  for (std::size_t at = 0; at < moment; ++at) {
    const LowerCall& call = log_.calls[at];
    if (call.kind == Kind::kSyncFilesystem) {
      out.prefixes[call.root] = at;
      for (std::size_t earlier = 0; earlier < at; ++earlier)
        if (log_.calls[earlier].root == call.root) out.content[log_.calls[earlier].node] = at;
    } else if (call.is_sync()) {
      sync_node(at, out);
      out.content[call.node] = at;
    }
  }
  return out;
}

// A write into new blocks or past the end makes metadata at the moment of the sync, later than all else.
void PowerCut::sync_node(std::size_t at, Synced& out) const {
  const LowerCall& sync = log_.calls[at];
  const bool data_only = sync.kind == Kind::kSyncData;
  std::size_t last = 0;
  for (std::size_t earlier = out.prefixes[sync.root]; earlier < at; ++earlier) {
    const LowerCall& call = log_.calls[earlier];
    if (call.is_metadata() && call.touches(sync.node) && (!data_only || is_needed_to_read(call)))
      last = earlier + 1;
  }
  const auto known = out.content.find(sync.node);
  for (std::size_t earlier = known == out.content.end() ? 0 : known->second; earlier < at; ++earlier) {
    const LowerCall& call = log_.calls[earlier];
    if (call.is_write() && call.node == sync.node && call.allocates) last = at;
  }
  if (last != 0 && journal_ == Journal::kExt4) last = at;
  out.prefixes[sync.root] = std::max(out.prefixes[sync.root], last);
}

double PowerCut::Choices::count() const {
  double out = 1;
  for (const std::size_t n : options) out *= static_cast<double>(n);
  return out;
}

PowerCut::Choices PowerCut::choices(std::size_t moment, const Prefixes& prefixes) const {
  const Synced durable = synced(moment);
  Choices out;
  out.tree = log_.start;
  for (std::size_t at = 0; at < moment; ++at)
    if (log_.calls[at].is_metadata() && at < prefixes[log_.calls[at].root])
      apply_names(log_.calls[at], out.tree);
  for (const auto& [node, root] : out.tree.named()) {
    if (out.tree.nodes[node].is_directory()) continue;
    const auto content = durable.content.find(node);
    const std::size_t from = content == durable.content.end() ? 0 : content->second;
    auto slots = slots_of(node, moment, std::min(prefixes[root], moment), from);
    if (slots.sizes.size() > 1) out.options.push_back(slots.sizes.size());
    for (const auto& versions : slots.versions)
      if (versions.size() > 1) out.options.push_back(versions.size());
    out.files.push_back(node);
    out.slots.push_back(std::move(slots));
  }
  return out;
}

PowerCut::Choices::FileSlots PowerCut::slots_of(NodeId node, std::size_t moment, std::size_t prefix,
                                                std::size_t durable) const {
  Choices::FileSlots out;
  add_sizes(node, moment, prefix, durable, out);
  add_pages(node, moment, prefix, durable, out);
  return out;
}

// The explicit size that survived, and each end that a later write, before the next explicit size, gave.
void PowerCut::add_sizes(NodeId node, std::size_t moment, std::size_t prefix, std::size_t durable,
                         Choices::FileSlots& out) const {
  const auto found = log_.start.nodes.find(node);
  std::uint64_t size = found == log_.start.nodes.end() ? 0 : found->second.size;
  out.sizes = {size};
  out.size_calls = {kNoCall};
  for (std::size_t at = 0; at < moment; ++at) {
    const LowerCall& call = log_.calls[at];
    if (call.node != node) continue;
    if (call.kind == Kind::kTruncate) {
      if (at >= prefix) return;
      size = call.size;
      out.sizes = {size};
      out.size_calls = {kNoCall};
    } else if (call.is_write() && call.size > size) {
      size = call.size;
      if (at < durable) {
        out.sizes.clear();
        out.size_calls.clear();
      }
      out.sizes.push_back(size);
      out.size_calls.push_back(at < durable ? kNoCall : at);
    }
  }
}

void PowerCut::add_pages(NodeId node, std::size_t moment, std::size_t prefix, std::size_t durable,
                         Choices::FileSlots& out) const {
  std::map<std::uint64_t, std::vector<std::size_t>> writes;
  for (std::size_t at = 0; at < moment; ++at)
    if (const LowerCall& call = log_.calls[at]; call.is_write() && call.node == node)
      writes[call.page].push_back(at);
  LowerNode old;
  if (const auto found = log_.start.nodes.find(node); found != log_.start.nodes.end()) old = found->second;
  for (const auto& [page, content] : old.pages) writes[page];
  for (const auto& [page, calls] : writes) {
    const std::size_t slot = out.pages.size();
    out.pages.push_back(page);
    out.versions.emplace_back();
    out.version_calls.emplace_back();
    const auto before = old.pages.find(page);
    PagePtr first = before == old.pages.end() ? nullptr : before->second;
    std::size_t from = 0;
    for (const std::size_t at : calls)
      if (at < durable) {
        first = log_.calls[at].content;
        from = at + 1;
      }
    add_version(out, slot, after_cuts(log_, node, page, first, from, prefix), kNoCall);
    for (const std::size_t at : calls)
      if (at >= durable && !freed_by_lost_cut(log_, journal_, log_.calls[at], prefix, at))
        add_version(out, slot, after_cuts(log_, node, page, log_.calls[at].content, at + 1, prefix), at);
  }
}

bool PowerCut::build(const Choices& choices, const std::vector<std::size_t>& digits, LowerTree& out) const {
  out = choices.tree;
  std::size_t digit = 0;
  const auto next = [&](std::size_t options) { return options > 1 ? digits[digit++] : 0; };
  for (std::size_t i = 0; i < choices.files.size(); ++i) {
    const Choices::FileSlots& slots = choices.slots[i];
    LowerNode& node = out.nodes[choices.files[i]];
    const std::size_t size_choice = next(slots.sizes.size());
    node.size = slots.sizes[size_choice];
    node.pages.clear();
    const std::size_t size_call = slots.size_calls[size_choice];
    for (std::size_t slot = 0; slot < slots.pages.size(); ++slot) {
      const std::uint64_t page = slots.pages[slot];
      const std::size_t version = next(slots.versions[slot].size());
      const bool sets_size = size_call != kNoCall && log_.calls[size_call].page == page;
      const std::size_t version_call = slots.version_calls[slot][version];
      if (journal_ == Journal::kXfs && sets_size && (version_call == kNoCall || version_call < size_call))
        return false;
      if (slots.versions[slot][version] && page * kPageBytes < node.size)
        node.pages[page] = slots.versions[slot][version];
    }
  }
  return true;
}

}  // namespace enfold
