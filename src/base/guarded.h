// Guarded<T>: a value that can only be reached while its mutex is held.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace slipway {

template <typename T>
class Guarded {
 public:
  // Access to the value for as long as this object lives.
  class Lock {
   public:
    explicit Lock(Guarded& owner) : owner_(owner), lock_(owner.mutex_) {}
    T& operator*() { return owner_.value_; }
    T* operator->() { return &owner_.value_; }

    // Sleeps until `ready(value)`; wake it with notify_all().
    template <typename Predicate>
    void wait(Predicate ready) {
      owner_.changed_.wait(lock_, [&] { return ready(owner_.value_); });
    }
    // As wait(), but gives up when `stop` is requested; returns ready(value).
    template <typename Predicate>
    bool wait(std::stop_token stop, Predicate ready) {
      return owner_.changed_.wait(lock_, stop, [&] { return ready(owner_.value_); });
    }

    // As wait(), for at most `duration`; returns ready(value).
    template <typename Duration, typename Predicate>
    bool wait_for(std::stop_token stop, Duration duration, Predicate ready) {
      return owner_.changed_.wait_for(lock_, stop, duration, [&] { return ready(owner_.value_); });
    }

   private:
    Guarded& owner_;
    std::unique_lock<std::mutex> lock_;
  };

  template <typename... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  Lock lock() { return Lock(*this); }
  void notify_one() { changed_.notify_one(); }
  void notify_all() { changed_.notify_all(); }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  T value_;
};

}  // namespace slipway
