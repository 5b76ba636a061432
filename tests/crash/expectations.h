// What an application did, and what was promised to it at each point of the recorded log: the oracle of the
// crash tests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kms/base/error.h"

namespace enfold {

// What a mount shows at a path.
struct Seen {
  mode_t type = 0;
  std::string content;         // of a file; of a symlink its target
  std::optional<Error> error;  // then nothing but the name is known
  friend bool operator==(const Seen& a, const Seen& b) { return a.type == b.type && a.content == b.content; }
};
using SeenTree = std::map<std::string, Seen>;  // by path, without the root

// Positions are numbers of calls in the log. A change counts from where it began: the power may go in the
// middle of it. A promise counts from where its call had returned.
class Expectations {
 public:
  // Changes, each when it is done. `began` is the position before it.
  void made(std::size_t began, const std::string& path, mode_t type, std::string content = {});
  void changed(std::size_t began, const std::string& path, std::string content);
  void renamed(std::size_t began, const std::string& from, const std::string& to);
  void linked(std::size_t began, const std::string& path, const std::string& to);
  void removed(std::size_t began, const std::string& path);

  // Promises. fsync(2) of a file: its content, its name, the directories above.
  void synced(std::size_t returned, const std::string& path);
  // fdatasync(2): its content, under the name that it has, or one that it had when it was synced before.
  void synced_data(std::size_t returned, const std::string& path);
  // fsync(2) of a directory: its names, and that what was made in it is not lost.
  void synced_directory(std::size_t returned, const std::string& path);
  // A checkpoint or a clean unmount: all there is.
  void all_durable(std::size_t returned);

  [[nodiscard]] const std::string& content(const std::string& path) const;

  // What is wrong with `seen` after a power cut at `moment`; empty where nothing is. `recovered`: no more
  // errors, for anything.
  [[nodiscard]] std::string complaint(std::size_t moment, const SeenTree& seen, bool recovered) const;
  // Equal for moments that complaint() cannot tell apart.
  [[nodiscard]] std::string key(std::size_t moment) const;

 private:
  using ObjectId = std::size_t;
  struct Version {
    std::size_t began;
    std::string content;
  };
  struct Floor {
    std::size_t returned;
    std::size_t version;
  };
  struct Object {
    mode_t type = 0;
    std::vector<Version> versions;
    std::vector<Floor> floors{};
    std::optional<std::size_t> kept_from{};   // not to be lost from this position on
    std::optional<std::size_t> kept_state{};  // nor under the names of this state and later ones
    std::size_t named = 0;                    // the last state of names in which it got a name
    std::size_t entries = 0;                  // of a directory: in which one of its names changed
  };
  using Names = std::map<std::string, ObjectId>;
  struct NameState {
    std::size_t began;
    Names names;
  };

  [[nodiscard]] const Names& names() const { return states_.back().names; }
  [[nodiscard]] Object& at(const std::string& path) { return objects_[names().at(path)]; }
  // `named` is the path that something got, if any; `directories` are those whose entries changed.
  void add_state(std::size_t began, Names names, const std::string& named,
                 const std::vector<std::string>& directories);
  Object& directory_at(const std::string& path) { return path.empty() ? objects_.front() : at(path); }
  void keep(Object& object, std::size_t from);
  void promise_names(std::size_t returned, std::size_t state);
  void keep_above(std::size_t from, const std::string& path);

  [[nodiscard]] static bool is_kept(const Object& object, std::size_t moment, std::size_t state) {
    return (object.kept_from && *object.kept_from <= moment) ||
           (object.kept_state && *object.kept_state <= state);
  }
  [[nodiscard]] std::string names_complaint(std::size_t state, std::size_t moment, const SeenTree& seen,
                                            bool recovered) const;
  [[nodiscard]] std::string object_complaint(const Object& object, std::size_t state, std::size_t moment,
                                             const Seen& seen, bool recovered) const;
  [[nodiscard]] std::string content_complaint(const Object& object, std::size_t moment,
                                              const std::string& content) const;

  std::vector<Object> objects_{Object{}};  // the first is the root
  std::vector<NameState> states_{{0, {}}};
  std::vector<Floor> name_floors_;
};

std::string parent_of(const std::string& path);

}  // namespace enfold
