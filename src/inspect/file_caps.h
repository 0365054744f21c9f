/* inspect/file_caps.h - the extended attribute security.capability, in words.
 *
 * Source: linux/capability.h, struct vfs_cap_data and vfs_ns_cap_data (revisions 1 to 3). */
#pragma once
#include "base/buf.h"

/* Appends "cap_net_bind_service,cap_net_raw=ep", as getcap(8) prints it; "=" when nothing is set
 * and "unreadable" when the bytes are no such attribute. */
void bh_file_caps_text(const void *data, size_t len, struct bh_buf *out);
