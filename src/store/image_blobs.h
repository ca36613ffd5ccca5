// Which blobs the local images need.
#pragma once

#include <set>

#include "store/store.h"

namespace slipway::store {

// Every digest that is reached from an image name: indexes, manifests, configs, layers. An image
// whose manifest is damaged is reported and reaches only itself.
Result<std::set<Digest>> blobs_of_images(Store& store);

}  // namespace slipway::store
