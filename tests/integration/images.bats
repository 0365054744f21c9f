load lib

# pull, images, rmi and gc, as root and as an ordinary user.

prepare_file() {
    mkdir -p "$WORK/base/etc" "$WORK/top/usr/bin"
    echo "ID=test" >"$WORK/base/etc/os-release"
    cp /bin/true "$WORK/top/usr/bin/app"
    cd "$WORK" || return
    make_image oci layout base top >digest
    make_image oci several --tag one base >/dev/null
    make_image oci several --append --tag two top >/dev/null
    make_image oci-archive layout.tar --tag web:2 base top >/dev/null
    make_image docker-archive saved.tar --tag shop/web:1 --links base top base >/dev/null
    make_image docker-archive-new saved-new.tar --tag shop/web:1 base top >/dev/null
    chmod -R a+rX .
}

make_image() { "$TREE/tests/lib/make-image" "$@"; }

cleanup_file() {
    umount "$WORK/small" 2>/dev/null || true
}

setup() {
    cd "$WORK" || return
    export BULKHEAD_ROOT=$BATS_TEST_TMPDIR/root
}

# Blobs in the store.
blobs() { find "$BULKHEAD_ROOT/blobs" -type f | wc -l; }
leftovers() { find "$BULKHEAD_ROOT/tmp" "$BULKHEAD_ROOT/leases" -mindepth 1 | wc -l; }

# The one blob of layout copied to $1 that has this media type: its path.
blob_of() { # DIRECTORY manifest|config|layer
    local manifest
    manifest=$1/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' "$1/index.json")
    case $2 in
    manifest) echo "$manifest" ;;
    config) echo "$1/blobs/sha256/$(jq -r '.config.digest[7:]' "$manifest")" ;;
    layer) echo "$1/blobs/sha256/$(jq -r '.layers[0].digest[7:]' "$manifest")" ;;
    esac
}

# Replaces a manifest by stdin and mends the index, so that only its content is wrong.
replace_manifest() { # DIRECTORY
    local new hex
    new=$(mktemp)
    cat >"$new"
    hex=$(sha256sum "$new" | cut -d' ' -f1)
    jq -c --arg d "sha256:$hex" --argjson s "$(stat -c %s "$new")" \
        '.manifests[0].digest=$d | .manifests[0].size=$s' "$1/index.json" >"$1/index.new"
    mv "$1/index.new" "$1/index.json"
    mv "$new" "$1/blobs/sha256/$hex"
}

# ---- every source ----

@test "an OCI layout is pulled under the name of its directory" {
    run bulkhead pull oci:layout
    expect_status 0
    expect_output "layout:latest@$(cat digest)"
    [ "$(blobs)" = 4 ]
    [ "$(leftovers)" = 0 ]
}

@test "the blobs in the store are the ones of the layout, byte for byte" {
    bulkhead pull oci:layout
    for blob in "$BULKHEAD_ROOT"/blobs/sha256/*; do
        [ "$(sha256sum <"$blob")" = "${blob##*/}  -" ]
        cmp "$blob" "layout/blobs/sha256/${blob##*/}"
    done
}

@test "one of several images in a layout must be named" {
    run bulkhead pull oci:several
    expect_status 2
    expect_output "holds several images: append one of :one, two"
    run bulkhead pull oci:several:three
    expect_status 1
    expect_output 'no image "three" in it; there are: one, two'
    run bulkhead pull oci:several:two
    expect_status 0
    expect_output "several:two@sha256:"
}

@test "an OCI archive gives the same image as its layout" {
    run bulkhead pull oci-archive:layout.tar
    expect_status 0
    expect_output "web:2@$(cat digest)"
}

@test "a docker archive is pulled under its tag, links between its layers followed" {
    run bulkhead pull docker-archive:saved.tar
    expect_status 0
    expect_output "shop/web:1@sha256:"
    [ "$(bulkhead images --format json | jq '.images[0].layers | length')" = 3 ]
    [ "$(blobs)" = 4 ]
}

@test "a docker archive of today gives the digests of its layers" {
    run bulkhead pull docker-archive:saved-new.tar
    expect_status 0
    [ "$(bulkhead images --format json | jq -r '.images[0].layers[0].digest')" = \
        "$(tar xOf saved-new.tar manifest.json | jq -r '.[0].Layers[0] | sub("blobs/sha256/";"sha256:")')" ]
}

@test "a bare path is recognised for what it is" {
    for path in ./layout ./layout.tar ./saved.tar ./saved-new.tar "$WORK/layout"; do
        run bulkhead pull "$path" --name "a:1"
        expect_status 0
    done
    echo hello >"$BATS_TEST_TMPDIR/letter"
    run bulkhead pull "$BATS_TEST_TMPDIR/letter"
    expect_status 2
    expect_output "is no image layout, no archive of images, no directory and no tar file"
}

@test "Docker schema 2 and zstd layers are pulled" {
    make_image oci schema2 --schema2 --index base >/dev/null
    make_image oci zstd --compress zstd base >/dev/null
    run bulkhead pull oci:schema2
    expect_status 0
    run bulkhead pull oci:zstd
    expect_status 0
    bulkhead images --format json | jq -r '.images[].layers[].media_type' | sort >types
    diff types - <<END
application/vnd.docker.image.rootfs.diff.tar.gzip
application/vnd.oci.image.layer.v1.tar+zstd
END
}

@test "skopeo and umoci make layouts that are pulled, and skopeo reads ours back" {
    require_tool skopeo
    require_tool umoci
    skopeo --insecure-policy copy -q oci:layout:latest oci:copied:latest
    run bulkhead pull oci:copied
    expect_status 0
    expect_output "$(cat digest)"
    skopeo --insecure-policy copy -q oci:layout:latest docker-archive:skopeo.tar:x:1
    run bulkhead pull docker-archive:skopeo.tar
    expect_status 0
    umoci init --layout made
    umoci new --image made:first
    umoci insert --rootless --image made:first base/etc /etc
    run bulkhead pull oci:made:first
    expect_status 0
    expect_output "made:first@sha256:"
}

@test "the platform is chosen, and the ones there are named when none fits" {
    make_image oci arm --top '{"architecture":"arm64"}' --index base >/dev/null
    jq -c '.manifests[0].platform={os:"linux",architecture:"arm64"}' "$(blob_of arm manifest)" | replace_manifest arm
    run bulkhead pull --platform linux/amd64 oci:arm
    expect_status 1
    expect_output "no image for linux/amd64, there are: linux/arm64; choose one with --platform"
    run bulkhead pull --platform linux/arm64/v8 oci:arm
    expect_status 0
    run bulkhead pull --platform linux oci:arm
    expect_status 2
    expect_output 'platform "linux" has no architecture'
}

# ---- listing and removing ----

@test "images lists names in order, and nothing when there is no store" {
    run bulkhead images
    expect_status 0
    [ -z "$output" ]
    [ ! -e "$BULKHEAD_ROOT" ]
    run bulkhead images --format json
    [ "$(jq -c .images <<<"$output")" = "[]" ]
    bulkhead pull oci:layout --name b
    bulkhead pull oci:layout --name a:1
    [ "$(bulkhead images --format json | jq -r '.images[].name' | tr '\n' ' ')" = "a:1 b:latest " ]
    run bulkhead images
    expect_output "linux/amd64"
}

@test "rmi frees what no other name needs" {
    bulkhead pull oci:layout --name a
    bulkhead pull oci:several:one --name b
    [ "$(blobs)" = 6 ]
    run bulkhead rmi a
    expect_status 0
    [ "$(blobs)" = 3 ]
    run bulkhead pull oci:layout --name a
    bulkhead rmi --keep-blobs a b
    [ "$(blobs)" = 6 ]
    run bulkhead gc
    expect_status 0
    expect_output "removed 6 blobs"
    [ "$(blobs)" = 0 ]
}

@test "an unknown name is answered with the nearest" {
    bulkhead pull oci:layout --name quay.io/shop/website:3
    run bulkhead rmi websit:3
    expect_status 1
    expect_output 'no image "websit:3" in the store; did you mean "quay.io/shop/website:3"?'
    run bulkhead pull websit:3
    expect_status 1
    expect_output 'did you mean "quay.io/shop/website:3"?'
}

@test "no registry is assumed in names" {
    bulkhead pull oci:layout --name docker.io/library/web
    run bulkhead rmi web
    expect_status 1
    run bulkhead rmi docker.io/library/web:latest
    expect_status 0
}

@test "a digest in a name is held against the image, and finds it under any tag" {
    run bulkhead pull oci:layout --name "shop/web@sha256:$(printf %064d 0)"
    expect_status 2
    expect_output "pins another image: this one is $(cat digest)"
    bulkhead pull oci:layout --name shop/web:7
    run bulkhead pull "shop/web@$(cat digest)" --name "kept@$(cat digest)"
    expect_status 0
    run bulkhead pull "shop/web:8@$(cat digest)" --name other
    expect_status 1
}

@test "a name that is none is refused with the place" {
    run bulkhead pull oci:layout --name 'Web'
    expect_status 2
    expect_output 'names are lower case: bad character at byte 0'
    run bulkhead pull oci:layout --name '../../etc/passwd'
    expect_status 2
    [ ! -e "$BULKHEAD_ROOT/../etc" ]
}

@test "gc --verify finds damage, and pulling again mends it" {
    bulkhead pull oci:layout
    layer=$BULKHEAD_ROOT/blobs/sha256/$(basename "$(blob_of layout layer)")
    chmod u+w "$layer"
    printf x | dd of="$layer" bs=1 seek=20 conv=notrunc status=none
    run bulkhead gc --verify
    expect_status 2
    expect_output "1 blobs were damaged and are removed: pull their images again"
    run bulkhead pull oci:layout
    expect_status 0
    run bulkhead gc --verify
    expect_status 0
}

@test "four pulls and a collection at once end well" {
    for n in 1 2 3 4; do
        bulkhead pull oci:layout --name "n:$n" &
        bulkhead gc &
    done
    wait
    [ "$(bulkhead images --format json | jq '.images | length')" = 4 ]
    run bulkhead gc --verify
    expect_status 0
    [ "$(blobs)" = 4 ]
    [ "$(leftovers)" = 0 ]
}

@test "a pull killed at any time leaves a store that works" {
    for delay in 0.002 0.005 0.01 0.015 0.02 0.03; do
        timeout -s KILL $delay "$BULKHEAD" pull oci:layout >/dev/null 2>&1 || true
    done
    run bulkhead pull oci:layout
    expect_status 0
    run bulkhead gc --all --verify
    expect_status 0
    [ "$(blobs)" = 4 ]
    [ "$(leftovers)" = 0 ]
}

@test "a full disk is said, and leaves a store that works once there is room" {
    require_jail
    mkdir -p big small
    head -c 700000 /dev/urandom >big/file
    make_image oci big-image big >/dev/null
    mount -t tmpfs -o size=300k tmpfs small
    export BULKHEAD_ROOT=$WORK/small/root
    run bulkhead pull oci:big-image
    expect_status 1
    expect_output "No space left on device"
    [ "$(blobs)" = 0 ]
    [ "$(leftovers)" = 0 ]
    mount -o remount,size=10m small
    run bulkhead pull oci:big-image
    expect_status 0
    [ "$(blobs)" = 3 ]
    umount small
}

@test "the store is closed to other users" {
    bulkhead pull oci:layout
    [ "$(stat -c %a "$BULKHEAD_ROOT")" = 700 ]
}

@test "a directory with other files is not made a store" {
    mkdir "$BATS_TEST_TMPDIR/home"
    touch "$BATS_TEST_TMPDIR/home/letter"
    run bulkhead --root "$BATS_TEST_TMPDIR/home" pull oci:layout
    expect_status 2
    expect_output "so it is no store"
    [ "$(ls "$BATS_TEST_TMPDIR/home")" = letter ]
}

@test "a store of a newer format is refused with both numbers" {
    bulkhead pull oci:layout
    echo "bulkhead-store 9" >"$BULKHEAD_ROOT/VERSION"
    run bulkhead images
    expect_status 1
    expect_output "store has format 9, this program reads up to 1"
}

# ---- bad input: one line, and nothing left behind ----

refused() { # STATUS MESSAGE TARGET: one line on standard error, an empty store
    run bulkhead pull "$3"
    expect_status "$1"
    expect_output "$2"
    [ "${#lines[@]}" -le 2 ] # the error, behind at most one line of progress
    [ "$(blobs)" = 0 ] || bulkhead gc
    [ "$(blobs)" = 0 ]
    [ "$(leftovers)" = 0 ]
    [ -z "$(bulkhead images)" ]
}

@test "a layer with other content is refused" {
    cp -r layout changed
    printf x | dd of="$(blob_of changed layer)" bs=1 seek=30 conv=notrunc status=none
    refused 2 "has other content: its digest is sha256:" oci:changed
}

@test "a layer that is cut short is refused" {
    cp -r layout short
    truncate -s -7 "$(blob_of short layer)"
    refused 2 "bytes, its manifest says" oci:short
}

@test "a manifest or configuration with other content is refused" {
    cp -r layout other
    sed -i 's/layer 0/layer X/' "$(blob_of other config)"
    refused 2 "has other content: its digest is sha256:" oci:other
    cp -r layout other2
    sed -i 's/schemaVersion":2/schemaVersion":3/' "$(blob_of other2 manifest)"
    refused 2 "has other content: its digest is sha256:" oci:other2
}

@test "duplicate keys in a manifest are refused" {
    cp -r layout twice
    sed 's/"schemaVersion":2/"schemaVersion":2,"schemaVersion":2/' "$(blob_of layout manifest)" | replace_manifest twice
    refused 2 "schemaVersion" oci:twice
}

@test "a manifest over 4 MiB is refused" {
    cp -r layout large
    jq -c --arg a "$(head -c 100000 /dev/zero | tr '\0' a)" \
        '.annotations=([range(42)|{key:"a\(.)",value:$a}]|from_entries)' "$(blob_of layout manifest)" | replace_manifest large
    refused 2 "limit 4194304" oci:large
}

@test "a document that is manifest and index at once is refused" {
    cp -r layout both
    jq -c '.manifests=[]' "$(blob_of layout manifest)" | replace_manifest both
    refused 2 'both "manifests" and "layers": it could be read in two ways' oci:both
}

@test "a manifest that is no JSON is refused with line and column" {
    cp -r layout broken
    echo '{"schemaVersion":2,' | replace_manifest broken
    refused 2 "line 2, column 1" oci:broken
}

@test "more layers in the manifest than diff_ids are refused" {
    cp -r layout uneven
    jq -c '.layers += [.layers[0]]' "$(blob_of layout manifest)" | replace_manifest uneven
    refused 2 "manifest has 3 layers, its configuration 2 diff_ids" oci:uneven
}

@test "an artifact is no container image" {
    cp -r layout artifact
    jq -c '.config.mediaType="application/vnd.example.thing"' "$(blob_of layout manifest)" | replace_manifest artifact
    refused 1 'an artifact of type "application/vnd.example.thing", not a container image' oci:artifact
}

@test "a layer of a type nobody defined is stored; scan says what it did not see, run refuses" {
    make_image oci strange --layer-type application/vnd.example.squash base >/dev/null
    run bulkhead pull oci:strange
    expect_status 0
    [ "$(bulkhead images --format json | jq -r '.images[0].layers[0].media_type')" = application/vnd.example.squash ]
    run bulkhead scan strange
    expect_output 'layer of type "application/vnd.example.squash" cannot be unpacked'
    run bulkhead run strange -- /bin/true
    expect_status 125
    expect_output 'layer of type "application/vnd.example.squash" cannot be unpacked: known are tar, tar+gzip'
    [ "$(find "$BULKHEAD_ROOT/layers" -mindepth 1 -name complete | wc -l)" = 0 ]
}

@test "a digest that leads out of the layout is refused" {
    cp -r layout away
    jq -c '.manifests[0].digest="sha256:../../../../etc/passwd"' layout/index.json >away/index.json
    refused 2 "index.json: descriptor at line 1" oci:away
}

@test "a layout whose index is a link out of it, or a FIFO, is refused" {
    cp -r layout linked
    cp layout/index.json "$BATS_TEST_TMPDIR/outside"
    ln -sf "$BATS_TEST_TMPDIR/outside" linked/index.json
    refused 1 "index.json" oci:linked
    cp -r layout fifo
    rm fifo/index.json
    mkfifo fifo/index.json
    refused 2 "index.json is no regular file" oci:fifo
}

@test "an archive that is cut short, compressed or no archive is refused" {
    head -c 9000 layout.tar >cut.tar
    refused 2 "cut short" oci-archive:cut.tar
    gzip -k saved.tar
    refused 1 "the archive is compressed: decompress it first (gunzip)" docker-archive:saved.tar.gz
    head -c 4096 /dev/urandom >noise
    refused 2 "noise" docker-archive:noise
}

@test "an archive that has a member twice is refused" {
    cp layout.tar double.tar
    tar xf layout.tar index.json
    tar rf double.tar index.json
    rm index.json
    refused 2 '"index.json" is there twice' oci-archive:double.tar
}

@test "links in an archive that run in a circle or lead out are refused" {
    mkdir loop
    echo '[{"Config":"a","RepoTags":["x:1"],"Layers":[]}]' >loop/manifest.json
    ln -s b loop/a
    ln -s a loop/b
    tar -C loop -cf loop.tar manifest.json a b
    refused 2 '"a" is a link over more than 8 links' docker-archive:loop.tar
    ln -sf ../../../etc/passwd loop/a
    tar -C loop -cf out.tar manifest.json a
    refused 1 'has no "a"' docker-archive:out.tar
}

# ---- as an ordinary user ----

@test "a user pulls, lists and removes in a store of their own" {
    run as_user "$BULKHEAD" pull "oci:$WORK/layout"
    expect_status 0
    run as_user "$BULKHEAD" pull "docker-archive:$WORK/saved.tar"
    expect_status 0
    run as_user "$BULKHEAD" images --format json
    [ "$(jq '.images | length' <<<"$output")" = 2 ]
    run as_user "$BULKHEAD" rmi shop/web:1 layout
    expect_status 0
    run as_user "$BULKHEAD" gc
    expect_output "removed 0 blobs"
}

@test "a user is refused a file that is not theirs to read, by name" {
    cp layout.tar secret.tar
    chmod 600 secret.tar
    run as_user "$BULKHEAD" pull "oci-archive:$WORK/secret.tar"
    expect_status 5
    expect_output "open $WORK/secret.tar: Permission denied"
}

@test "a user cannot use root's store" {
    bulkhead pull oci:layout
    chmod 755 "$BATS_TEST_TMPDIR"
    USER_ROOT=$BULKHEAD_ROOT run as_user "$BULKHEAD" images
    expect_status 5
    expect_output "Permission denied"
}

@test "a store whose making was cut short, or goes on in another process, is opened" {
    mkdir "$WORK/begun"
    : >"$WORK/begun/lock"
    echo half >"$WORK/begun/.tmp-1-0"
    mkdir "$WORK/begun-rootfs"
    "$TREE/tests/lib/make-image" oci "$WORK/begun-image" "$WORK/begun-rootfs" >/dev/null
    run bulkhead --root "$WORK/begun" pull "oci:$WORK/begun-image"
    expect_status 0
    [ -s "$WORK/begun/VERSION" ]
}
