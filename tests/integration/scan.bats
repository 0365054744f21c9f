load lib

# scan: packages, findings, coverage, exit status; of directories, layouts and archives.

prepare_file() {
    cd "$WORK" || return
    mkdir -p base/etc base/var/lib/dpkg base/usr/bin base/srv top/var/lib/dpkg top/srv gone/var/lib
    printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n' >base/etc/os-release
    stanza libc6 2.36-9 glibc >base/var/lib/dpkg/status
    stanza bash 5.2.15-2 bash >>base/var/lib/dpkg/status
    { cat base/var/lib/dpkg/status; stanza nginx 1.22.1-9 nginx; } >top/var/lib/dpkg/status
    cp /bin/true base/usr/bin/su && chmod 4755 base/usr/bin/su
    cp /bin/true base/usr/bin/own && chmod 4755 base/usr/bin/own
    echo open >base/srv/open && chmod 666 base/srv/open
    : >top/srv/.wh.open
    : >gone/var/lib/.wh.dpkg
    make_image oci layout --config '{"Env":["DB_PASSWORD=swordfish"],"ExposedPorts":{"22/tcp":{}}}' \
        --history '["base","curl -s https://example.org/x | sh"]' base top >digest
    make_image oci bare base gone >/dev/null
    make_image oci-archive layout.tar base top >/dev/null
    make_image docker-archive saved.tar --tag shop/web:1 base top >/dev/null
    chmod -R a+rX .
}

stanza() { printf 'Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\nSource: %s\n\n' "$1" "$2" "$3"; }
make_image() { "$TREE/tests/lib/make-image" "$@"; }
scan_json() { bulkhead scan "$1" --format json; }

setup() {
    cd "$WORK" || return
    export BULKHEAD_ROOT=$BATS_TEST_TMPDIR/root
}

@test "packages are listed with source, package URL and the layer that brought them" {
    scan_json oci:layout >report
    [ "$(jq -r '.packages | length' report)" = 3 ]
    [ "$(jq -r '.packages[] | select(.name == "libc6") | "\(.version) \(.source_name) \(.purl)"' report)" = \
        "2.36-9 glibc pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12" ]
    [ "$(jq -r '.packages[] | select(.name == "libc6") | .layer' report)" = "$(jq -r '.layers[0].digest' report)" ]
    [ "$(jq -r '.packages[] | select(.name == "nginx") | .layer' report)" = "$(jq -r '.layers[1].digest' report)" ]
    [ "$(jq -r .target.digest report)" = "$(cat digest)" ]
    [ "$(jq -r '.distribution.id + .distribution.version' report)" = debian12 ]
}

@test "every kind of target gives the same packages" {
    for target in oci:layout oci-archive:layout.tar docker-archive:saved.tar ./layout.tar; do
        run bulkhead scan "$target" --format json
        expect_status 0
        [ "$(jq -c '[.packages[] | [.name, .version]]' <<<"$output")" = \
            '[["bash","5.2.15-2"],["libc6","2.36-9"],["nginx","1.22.1-9"]]' ]
    done
    run bulkhead scan dir:base --format json
    expect_status 0
    [ "$(jq -c '[.packages[].name]' <<<"$output")" = '["bash","libc6"]' ]
    [ "$(jq -c '.packages[0].layer' <<<"$output")" = null ]
}

@test "configuration, history and files are judged, and no secret is shown" {
    scan_json oci:layout >report
    [ "$(jq -r '[.findings[].rule] | sort | unique | join(" ")' report)" = \
        "config-healthcheck-missing config-history-pipe-shell config-port-ssh config-secret-env config-user-root file-setuid" ]
    [ "$(jq -r '.findings[] | select(.path == "/usr/bin/su") | .severity' report)" = low ]
    [ "$(jq -r '.findings[] | select(.path == "/usr/bin/own") | .severity' report)" = medium ]
    ! grep -q swordfish report
}

@test "a file that an upper layer removes is no finding" {
    [ "$(scan_json oci:layout | jq '[.findings[] | select(.rule == "file-world-writable")] | length')" = 0 ]
    [ "$(scan_json dir:base | jq -r '.findings[] | select(.rule == "file-world-writable") | .path')" = /srv/open ]
}

@test "without advisories vulnerabilities are not checked, and it says so" {
    run bulkhead scan oci:layout
    expect_status 0
    expect_output "Not checked"
    refute_output "None of the advisories"
    scan_json oci:layout >report
    [ "$(jq -r .vulnerabilities_checked report)" = false ]
    [ "$(jq -r '[.coverage[] | select(.subject == "vulnerabilities" and .blind)] | length' report)" = 1 ]
}

@test "a package database that a layer removed is a gap, not an empty list" {
    scan_json oci:bare >report
    [ "$(jq '.packages | length' report)" = 0 ]
    [ "$(jq -r '.coverage[] | select(.subject == "packages") | "\(.path) \(.blind)"' report)" = "var/lib/dpkg/status true" ]
    run bulkhead scan oci:bare --fail-on 'package.name = nothing'
    expect_status 3
    expect_output "not everything was looked at"
}

@test "--fail-on takes a severity or a condition, and undecided does not pass" {
    run bulkhead scan oci:layout --fail-on 'finding.severity >= high'
    expect_status 3
    expect_output "holds for 1"
    run bulkhead scan oci:layout --fail-on 'finding.severity >= critical'
    expect_status 0
    run bulkhead scan oci:layout --fail-on 'config.ports intersects ("22/tcp")'
    expect_status 3
    run bulkhead scan oci:layout --fail-on 'package.name = bash and package.version = 1'
    expect_status 0
    run bulkhead scan oci:layout --fail-on 'vuln.severity >= high'
    expect_status 3
    expect_output "not everything was looked at"
    run bulkhead scan oci:layout --fail-on high
    expect_status 3
}

@test "a wrong --fail-on names the column and the nearest field" {
    run bulkhead scan oci:layout --fail-on 'vuln.severty >= high'
    expect_status 2
    expect_output "column 1"
    expect_output "vuln.severity"
}

@test "facts are kept by layer and give the same report again" {
    scan_json oci:layout >first
    [ "$(find "$BULKHEAD_ROOT/facts" -type f | wc -l)" = 2 ]
    scan_json oci:layout >second
    cmp first second
    scan_json oci:bare >/dev/null
    [ "$(find "$BULKHEAD_ROOT/facts" -type f | wc -l)" = 3 ]
}

@test "gc removes facts nobody asked about for 30 days" {
    scan_json oci:layout >/dev/null
    first=$(find "$BULKHEAD_ROOT/facts" -type f | head -n 1)
    touch -d '31 days ago' "$first"
    bulkhead gc
    [ ! -e "$first" ]
    [ "$(find "$BULKHEAD_ROOT/facts" -type f | wc -l)" = 1 ]
}

@test "facts that are asked for are young again" {
    scan_json oci:layout >/dev/null
    touch -d '31 days ago' "$BULKHEAD_ROOT"/facts/*
    scan_json oci:layout >/dev/null
    bulkhead gc
    [ "$(find "$BULKHEAD_ROOT/facts" -type f | wc -l)" = 2 ]
}

@test "--no-cache keeps nothing" {
    run bulkhead scan oci:layout --no-cache
    expect_status 0
    [ -z "$(find "$BULKHEAD_ROOT/facts" -type f 2>/dev/null)" ]
}

@test "a damaged cache file is made anew" {
    scan_json oci:layout >first
    for file in "$BULKHEAD_ROOT"/facts/*; do
        truncate -s 20 "$file"
    done
    scan_json oci:layout >second
    cmp first second
    for file in "$BULKHEAD_ROOT"/facts/*; do
        [ "$(stat -c %s "$file")" -gt 40 ]
    done
}

@test "a layer that is not what its digest says fails the scan" {
    cp -r layout broken
    layer=$(jq -r '.layers[1].digest[7:]' "broken/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' broken/index.json)")
    chmod u+w "broken/blobs/sha256/$layer"
    printf 'x' | dd of="broken/blobs/sha256/$layer" bs=1 seek=20 conv=notrunc status=none
    run bulkhead scan oci:broken
    expect_status 2
    expect_output "layer 2"
    [ "$(find "$BULKHEAD_ROOT/facts" -type f | wc -l)" -le 1 ]
}

@test "an rpm database gives what rpm -qa gives" {
    require_tool rpmbuild
    mkdir -p rpm/root/var/lib/rpm
    cat >rpm/a.spec <<'SPEC'
Name: alpha
Version: 1.2
Release: 3
Epoch: 7
Summary: test
License: MIT
BuildArch: noarch
%description
x
%package sub
Summary: s
%description sub
y
%files
%files sub
SPEC
    HOME=$WORK rpmbuild -bb --define "_topdir $WORK/rpm/top" rpm/a.spec >/dev/null 2>&1
    rpm --root "$WORK/rpm/root" --dbpath /var/lib/rpm -i --nodeps --justdb rpm/top/RPMS/*/*.rpm 2>/dev/null ||
        skip "rpm cannot write a database here"
    rpm --root "$WORK/rpm/root" --dbpath /var/lib/rpm -qa --qf '%{NAME} %{EVR} %{ARCH}\n' 2>/dev/null | sort >truth
    [ "$(wc -l <truth)" = 2 ]
    rm -f rpm/root/var/lib/rpm/rpmdb.sqlite-shm
    scan_json "dir:rpm/root" | jq -r '.packages[] | "\(.name) \(.version) \(.architecture)"' | sort >ours
    diff truth ours
    [ "$(scan_json dir:rpm/root | jq -r '.packages[0] | "\(.source_name) \(.source_version) \(.purl)"')" = \
        "alpha 1.2-3 pkg:rpm/alpha@1.2-3?arch=noarch&epoch=7" ]
}

@test "an apk database is read, also where lib is a link into usr" {
    mkdir -p apk/usr/lib/apk/db apk/etc
    ln -sfn usr/lib apk/lib
    printf 'ID=alpine\nVERSION_ID=3.19.1\n' >apk/etc/os-release
    printf 'C:Q1=\nP:libcrypto3\nV:3.1.4-r5\nA:x86_64\no:openssl\nL:Apache-2.0\nF:lib\n\n' >apk/usr/lib/apk/db/installed
    [ "$(scan_json dir:apk | jq -r '.packages[] | "\(.name) \(.source_name) \(.license) \(.purl)"')" = \
        "libcrypto3 openssl Apache-2.0 pkg:apk/alpine/libcrypto3@3.1.4-r5?arch=x86_64&distro=alpine-3.19.1" ]
}

@test "this host's own dpkg database gives what dpkg-query gives" {
    require_tool dpkg-query
    [ -s /var/lib/dpkg/status ] || skip "no dpkg database"
    mkdir -p host/var/lib/dpkg
    cp /var/lib/dpkg/status host/var/lib/dpkg/status
    dpkg-query --admindir=host/var/lib/dpkg -W \
        -f '${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n' |
        sed -n 's/^installed //p' | sort >truth
    scan_json dir:host |
        jq -r '.packages[] | "\(.name) \(.version) \(.architecture) \(.source_name) \(.source_version)"' | sort >ours
    diff truth ours
}

@test "the report fits its schema" {
    python3 -c 'import jsonschema' 2>/dev/null || skip "python3-jsonschema is not installed"
    scan_json oci:layout >report
    python3 -c 'import json, sys, jsonschema; jsonschema.validate(json.load(open("report")), json.load(open(sys.argv[1])))' \
        "$TREE/docs/schema/scan.schema.json"
}

@test "a directory that may not be read is a gap for a user" {
    require_root
    mkdir -p locked/secret locked/etc
    chmod 755 locked
    chmod 700 locked/secret
    as_user "$BULKHEAD" scan "dir:$WORK/locked" --format json >report
    [ "$(jq -r '.coverage[] | select(.subject == "files") | "\(.path) \(.blind)"' report)" = "secret true" ]
}

@test "an ordinary user scans an image into a root of their own" {
    as_user "$BULKHEAD" scan "oci:$WORK/layout" --format json >report
    [ "$(jq '.packages | length' report)" = 3 ]
}

@test "control characters of an image do not reach the terminal" {
    mkdir -p evil/etc
    printf 'ID=debian\nPRETTY_NAME="\033[2Jgone"\n' >evil/etc/os-release
    run bulkhead scan dir:evil --color always
    expect_status 0
    [[ "$output" != *$'\033[2J'* ]]
}

@test "what does not exist is an error that names it" {
    run bulkhead scan dir:nowhere
    expect_status 1
    expect_output "nowhere"
}
