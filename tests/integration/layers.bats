load lib

# Layers that must be refused, and what real ones hold, through the real worker: nothing is left
# behind, the limits are options, the worker cannot be misused by hand.

prepare_file() {
    cd "$WORK" || return
    mkdir -p good/etc
    printf 'ID=debian\nVERSION_ID="12"\n' >good/etc/os-release
    chmod -R a+rX .
}

setup() {
    cd "$WORK" || return
    export BULKHEAD_ROOT=$BATS_TEST_TMPDIR/root
    image=$BATS_TEST_TMPDIR/image
}

# hostile NAME:KIND:LINK...   a layer with these members (KIND as tarfile names it), as an image
hostile() {
    require_tool python3
    python3 - "$BATS_TEST_TMPDIR/layer.tar" "$@" <<'PY'
import io, sys, tarfile
kinds = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "sym": tarfile.SYMTYPE,
         "hard": tarfile.LNKTYPE, "char": tarfile.CHRTYPE, "odd": b"Z"}
with tarfile.open(sys.argv[1], "w") as t:
    for member in sys.argv[2:]:
        name, kind, link = (member.split(":") + ["", ""])[:3]
        i = tarfile.TarInfo(name)
        i.type, i.linkname = kinds[kind or "file"], link
        i.size = 2 if i.type == tarfile.REGTYPE else 0
        t.addfile(i, io.BytesIO(b"x\n"))
PY
    rm -rf "$image"
    "$TREE/tests/lib/make-image" oci "$image" "$BATS_TEST_TMPDIR/layer.tar" >/dev/null
}

# refused TEXT MEMBER...   the scan of such a layer is refused, and says TEXT
refused() {
    local says=$1
    shift
    hostile "$@"
    run bulkhead scan "oci:$image"
    expect_status "${refusal:-2}"
    expect_output "$says"
    expect_output "layer 1"
    [ -z "$(find "$BULKHEAD_ROOT/facts" "$BULKHEAD_ROOT/tmp" -type f 2>/dev/null)" ]
}

@test "names whose .. leaves the root are refused" {
    refused "leaves the root" ../evil
    refused "leaves the root" a/../../evil
    refused "leaves the root" /..:dir
}

@test "hard links to anything outside the image are refused" {
    refused "leaves the root" h:hard:../../etc/shadow
    refused "not in this layer" h:hard:etc/shadow
}

@test "a file where a directory is needed is refused" {
    refused "directory is needed" a a/b
    refused "something else" a:dir a:sym:/
}

@test "a kind of member nobody defined is refused" {
    refusal=1 refused "unknown kind" a:odd
}

@test "absolute names and links are ordinary" {
    hostile /etc/motd abs:sym:/etc/motd up:sym:../../../x dev/null:char
    run bulkhead scan "oci:$image"
    expect_status 0
}

@test "truncated and corrupt gzip, zstd and tar are refused" {
    cd "$BATS_TEST_TMPDIR" || return
    head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/noise"
    tar -cf whole.tar -C "$BATS_TEST_TMPDIR" noise
    for how in "gzip -c:+gzip" "zstd -qc:+zstd" cat:; do
        ${how%:*} <whole.tar >whole
        head -c 200000 whole >short
        cp whole flipped
        printf '\377\377\377\377' | dd of=flipped bs=1 seek=64 conv=notrunc status=none
        for damaged in short flipped; do
            [ "$how $damaged" = "cat: flipped" ] && continue # names may hold any byte
            rm -rf image
            layout_of "$damaged" "${how#*:}"
            run bulkhead scan oci:image
            expect_status 2
            expect_output "layer 1"
        done
    done
}

# layout_of FILE SUFFIX: an image whose one layer is FILE as it is, with the right digest of it and a
# media type that ends in SUFFIX: "+gzip", "+zstd" or "".
layout_of() {
    mkdir -p image/blobs/sha256
    local d c m
    put() { local h; h=$(sha256sum <"$1" | cut -d' ' -f1); cp "$1" "image/blobs/sha256/$h"; echo "$h"; }
    d=$(put "$1")
    printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%064d"]}}' 0 >config
    c=$(put config)
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar%s","digest":"sha256:%s","size":%s}]}' \
        "$c" "$(stat -c %s config)" "$2" "$d" "$(stat -c %s "$1")" >manifest
    m=$(put manifest)
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' \
        "$m" "$(stat -c %s manifest)" >image/index.json
    printf '{"imageLayoutVersion":"1.0.0"}' >image/oci-layout
}

@test "a decompression bomb is stopped early" {
    cd "$BATS_TEST_TMPDIR" || return
    rm -rf image
    truncate -s 400M zeros && tar -cf - zeros | gzip -9c >bomb && rm zeros
    layout_of bomb +gzip
    run bulkhead scan oci:image
    expect_status 2
    expect_output "ratio"
}

@test "every limit is an option and is named when it is reached" {
    hostile a/b/c/d e f
    for limit in "--limit-entries 2:entries" "--limit-bytes 600:total-bytes" "--limit-path 5:path-bytes" "--limit-depth 3:depth"; do
        # shellcheck disable=SC2086 # option and value
        run bulkhead scan "oci:$image" ${limit%:*}
        expect_status 2
        expect_output "${limit#*:}"
    done
    run bulkhead scan "oci:$image"
    expect_status 0
}

@test "the worker does nothing for who starts it by hand" {
    local decode
    decode=$(find "${BULKHEAD%/*}" "${BULKHEAD%/bin/bulkhead}/libexec" -name bulkhead-decode 2>/dev/null | head -n 1)
    # In a shell of its own: descriptor 3 is bats' own.
    run sh -c '"$1" </dev/null 3<&-' sh "$decode"
    expect_status 2
    run sh -c '"$1" </dev/null 3</etc/passwd | tr -d "\\0"' sh "$decode"
    expect_output "started by bulkhead"
    run sh -c '"$1" --help 3<&-' sh "$decode"
    expect_status 2
}

@test "a zstd layer that needs more memory than allowed is refused, and says by which option" {
    cd "$BATS_TEST_TMPDIR" || return
    rm -rf image
    tar -cf - -C "$WORK" good | zstd -q --long=27 -c >wide
    layout_of wide +zstd
    run bulkhead scan oci:image
    expect_status 2
    expect_output "--limit-window"
    run bulkhead scan oci:image --limit-window 27
    expect_output "the image says" # now read to its end, where the digest is wrong
}
