// The FUSE callbacks by subject, and the table of them. Arguments and answers: fuse_lowlevel.h.
#pragma once

#include "fs/mount/requests.h"

namespace enfold {

const fuse_lowlevel_ops& operations();

namespace ops {

void init(void* userdata, fuse_conn_info* connection);

// names.cc
void lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
void forget(fuse_req_t request, fuse_ino_t inode, std::uint64_t lookups);
void forget_multi(fuse_req_t request, std::size_t count, fuse_forget_data* forgets);
void readlink(fuse_req_t request, fuse_ino_t inode);
void mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device);
void mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode);
void symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name);
void link(fuse_req_t request, fuse_ino_t inode, fuse_ino_t new_parent, const char* new_name);
void unlink(fuse_req_t request, fuse_ino_t parent, const char* name);
void rmdir(fuse_req_t request, fuse_ino_t parent, const char* name);
void rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
            const char* new_name, unsigned flags);

// attributes.cc
void getattr(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info);
void setattr(fuse_req_t request, fuse_ino_t inode, struct stat* wanted, int which, fuse_file_info* info);
void statfs(fuse_req_t request, fuse_ino_t inode);
void getxattr(fuse_req_t request, fuse_ino_t inode, const char* name, std::size_t size);
void setxattr(fuse_req_t request, fuse_ino_t inode, const char* name, const char* value, std::size_t size,
              int flags);
void listxattr(fuse_req_t request, fuse_ino_t inode, std::size_t size);
void removexattr(fuse_req_t request, fuse_ino_t inode, const char* name);

// files.cc
void create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* info);
void open(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info);
void read(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info);
void write(fuse_req_t request, fuse_ino_t inode, const char* data, std::size_t size, off_t offset,
           fuse_file_info* info);
void copy_file_range(fuse_req_t request, fuse_ino_t inode_in, off_t offset_in, fuse_file_info* info_in,
                     fuse_ino_t inode_out, off_t offset_out, fuse_file_info* info_out, std::size_t size,
                     int flags);
void fallocate(fuse_req_t request, fuse_ino_t inode, int mode, off_t offset, off_t length,
               fuse_file_info* info);
void lseek(fuse_req_t request, fuse_ino_t inode, off_t offset, int whence, fuse_file_info* info);
void flush(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info);
void release(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info);
void fsync(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info* info);

// directories.cc
void opendir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info);
void readdir(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info);
void readdirplus(fuse_req_t request, fuse_ino_t inode, std::size_t size, off_t offset, fuse_file_info* info);
void releasedir(fuse_req_t request, fuse_ino_t inode, fuse_file_info* info);
void fsyncdir(fuse_req_t request, fuse_ino_t inode, int data_only, fuse_file_info* info);

}  // namespace ops
}  // namespace enfold
