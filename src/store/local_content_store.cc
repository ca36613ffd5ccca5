#include "store/local_content_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include "base/check.h"
#include "base/file_io.h"

namespace slipway::store {
namespace {

constexpr size_t kReadLimit = 64 << 20;
constexpr uint64_t kHashBytes = 128 << 10;
constexpr time_t kUseIsNotedEvery = 3600;  // seconds

Error not_found(const Digest& digest) {
  return make_error(ErrorCode::NotFound, "blob {} is not in the store", digest.str());
}

}  // namespace

class LocalContentStore::Writer : public ContentWriter {
 public:
  Writer(LocalContentStore& store, std::filesystem::path path, UniqueFd fd)
      : store_(store), path_(std::move(path)), fd_(std::move(fd)) {}
  ~Writer() override {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Status write(std::string_view bytes) override {
    TRY(write_at(size_, bytes));
    hash_.update(bytes);
    size_ += bytes.size();
    return {};
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    CHECK(fd_);
    return write_all_at(fd_.get(), offset, bytes).context("write blob");
  }

  // What came out of order is read again to be hashed; it is in the page cache still.
  Status reached(uint64_t end) override {
    buffer_.resize(kHashBytes);
    while (size_ < end) {
      const size_t step = std::min<uint64_t>(buffer_.size(), end - size_);
      const ssize_t got = ::pread(fd_.get(), buffer_.data(), step, static_cast<off_t>(size_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error("read blob that is being written");
      CHECK(got > 0);
      hash_.update(std::string_view(buffer_).substr(0, static_cast<size_t>(got)));
      size_ += static_cast<uint64_t>(got);
    }
    return {};
  }

  uint64_t bytes_written() const override { return size_; }

  Result<Digest> commit(const Digest& expected) override {
    CHECK(fd_);
    TRY(drop_the_rest());
    TRY(fd_.close().context("write blob"));
    const Digest digest = hash_.finish();
    if (!expected.empty() && expected != digest) {
      return make_error(ErrorCode::InvalidInput, "blob {}: the content has digest {}",
                        expected.str(), digest.str());
    }
    TRY(publish(digest));
    return digest;
  }

 private:
  // Bytes beyond what was hashed: of a transfer that went wrong and was made up for.
  Status drop_the_rest() {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) return errno_error("look at blob");
    if (static_cast<uint64_t>(info.st_size) == size_) return {};
    if (::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0) return errno_error("cut blob");
    return {};
  }

  Status publish(const Digest& digest) {
    // A prune may be removing an older copy right now: its unlink must come before our rename.
    while (!TRY(store_.keep(digest))) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    Core& core = *store_.core_;
    const std::filesystem::path target = store_.path_of(digest);
    const bool known = ::access(target.c_str(), F_OK) == 0;
    if (!known) {
      if (::rename(path_.c_str(), target.c_str()) != 0) {
        return errno_error("publish blob {}", digest.str());
      }
      path_.clear();
    }
    // The file first, the row after, so that a barrier that covers the row covers the file. A kill
    // in between leaves a file that find() gives its row. A row may be there already, and even
    // safe, when the file has vanished: the new one is not safe yet.
    const int64_t changed = TRY(core.database().lock()->run(
        "INSERT INTO blobs(digest, size, created, unsafe_boot) VALUES(?, ?, ?, ?) ON CONFLICT"
        "(digest) DO UPDATE SET created = excluded.created, unsafe_boot = excluded.unsafe_boot "
        "WHERE ?5",
        digest.str(), static_cast<int64_t>(size_), now_microseconds(), core.boot_id(),
        known ? 0 : 1));
    if (changed > 0) core.mark_dirty();
    return {};
  }

  LocalContentStore& store_;
  std::filesystem::path path_;
  UniqueFd fd_;
  Sha256 hash_;
  uint64_t size_ = 0;   // what is hashed
  std::string buffer_;  // of reached()
};

std::filesystem::path LocalContentStore::path_of(const Digest& digest) const {
  return core_->layout().blobs() / digest.algorithm() / digest.hex();
}

Result<bool> LocalContentStore::keep(const Digest& digest) {
  auto kept = kept_.lock();
  if (kept->contains(digest)) return true;
  std::optional<Pin> pin = TRY(Pin::take(core_, pin_byte_of_blob(digest)));
  if (!pin) return false;
  kept->emplace(digest, *std::move(pin));
  return true;
}

Result<std::optional<uint64_t>> LocalContentStore::find(const Digest& digest) {
  if (digest.empty()) return std::optional<uint64_t>();
  struct stat info;
  while (!TRY(keep(digest))) {
    // A prune holds it, and either unlinks the file now or finds that it is needed.
    if (::stat(path_of(digest).c_str(), &info) != 0) return std::optional<uint64_t>();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (::stat(path_of(digest).c_str(), &info) != 0) {
    if (errno != ENOENT) return errno_error("look up blob {}", digest.str());
    return std::optional<uint64_t>();
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  TRY(ensure_row(digest, size));
  // The file's time tells when it was used last. Who may not change it has no part in pruning.
  if (::time(nullptr) - info.st_mtim.tv_sec > kUseIsNotedEvery) {
    ::utimensat(AT_FDCWD, path_of(digest).c_str(), nullptr, 0);
  }
  return std::optional<uint64_t>(size);
}

// Without a row, what is built on the blob would outlive it when the machine dies.
Status LocalContentStore::ensure_row(const Digest& digest, uint64_t size) {
  auto database = core_->database().lock();
  {
    Rows rows = TRY(database->query("SELECT 1 FROM blobs WHERE digest = ?", digest.str()));
    if (TRY(rows.next())) return {};
  }
  TRY(database->run(
      "INSERT OR IGNORE INTO blobs(digest, size, created, unsafe_boot) VALUES(?, ?, ?, ?)",
      digest.str(), static_cast<int64_t>(size), now_microseconds(), core_->boot_id()));
  core_->mark_dirty();
  return {};
}

Result<std::unique_ptr<ContentWriter>> LocalContentStore::writer() {
  return TRY(readable_writer()).writer;
}

Result<LocalContentStore::ReadableWriter> LocalContentStore::readable_writer() {
  std::filesystem::path path = TRY(core_->scratch_path("blob-"));
  UniqueFd fd = TRY(open_file(path, O_RDWR | O_CREAT | O_EXCL, 0644));
  UniqueFd reader = TRY(open_file(path, O_RDONLY));
  return ReadableWriter{std::make_unique<Writer>(*this, std::move(path), std::move(fd)),
                        std::move(reader)};
}

Result<std::optional<uint64_t>> LocalContentStore::size(const Digest& digest) {
  return find(digest);
}

Result<UniqueFd> LocalContentStore::open(const Digest& digest) {
  if (!TRY(find(digest))) return not_found(digest);
  return open_file(path_of(digest), O_RDONLY);
}

Result<std::string> LocalContentStore::read(const Digest& digest) {
  const UniqueFd fd = TRY(open(digest));
  std::string content = TRY(read_fd(fd.get(), kReadLimit).context("read blob " + digest.str()));
  if (digest.algorithm() == "sha256" && Digest::sha256_of(content) != digest) {
    TRY(remove(digest));
    core_->report_damage("blob " + digest.str() + " is damaged: removed");
    return not_found(digest);
  }
  return content;
}

Result<Digest> LocalContentStore::put(std::string_view bytes) {
  const Digest digest = Digest::sha256_of(bytes);
  if (TRY(find(digest))) return digest;
  const std::unique_ptr<ContentWriter> writer = TRY(this->writer());
  TRY(writer->write(bytes));
  return writer->commit(digest);
}

Status LocalContentStore::remove(const Digest& digest) {
  TRY(core_->database().lock()->run("DELETE FROM blobs WHERE digest = ?", digest.str()));
  if (::unlink(path_of(digest).c_str()) != 0 && errno != ENOENT) {
    return errno_error("remove blob {}", digest.str());
  }
  return {};
}

}  // namespace slipway::store
