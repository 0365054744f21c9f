load lib

# db import, update, status and compare.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    export BULKHEAD_ROOT=$BATS_TEST_TMPDIR/root
}

# record ID ECOSYSTEM PACKAGE FIXED
record() {
    printf '{"id":"%s","modified":"2026-01-02T00:00:00Z","affected":[{"package":{"ecosystem":"%s","name":"%s"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"%s"}]}]}]}\n' "$@"
}
many() { # COUNT ECOSYSTEM
    for ((i = 0; i < $1; i++)); do record "T-$i" "$2" "p$i" "1.$i"; done
}
count_of() { bulkhead db status --format json | jq ".databases[] | select(.key == \"$1\") | .advisories"; }

@test "one record, an array, JSON lines, a directory, a zip and a tar archive give the same database" {
    record A Debian:12 p 1 >one.json
    { echo "["; record A Debian:12 p 1; echo ","; record B Debian:12 q 2; echo "]"; } >array.json
    { record A Debian:12 p 1; record B Debian:12 q 2; } >lines.jsonl
    mkdir -p folder/below && record A Debian:12 p 1 >folder/a.json && record B Debian:12 q 2 >folder/below/b.json
    echo "not a record" >folder/readme.txt
    python3 -c 'import zipfile,sys
with zipfile.ZipFile("z.zip","w",zipfile.ZIP_DEFLATED) as z:
    z.write("folder/a.json"); z.write("folder/below/b.json"); z.write("folder/readme.txt")'
    tar czf t.tar.gz folder
    run bulkhead db import one.json
    expect_status 0
    [ "$(count_of debian-12)" = 1 ]
    for input in array.json lines.jsonl folder z.zip t.tar.gz; do
        run bulkhead db import --force "$input"
        expect_status 0
        [ "$(count_of debian-12)" = 2 ] || { echo "$input"; false; }
    done
}

@test "status shows source, dates and counts, and says what to do when there is nothing" {
    run bulkhead db status
    expect_status 0
    expect_output "bulkhead db update"
    record A Debian:12 p 1 >one.json
    bulkhead db import one.json
    run bulkhead db status
    expect_output "OSV Debian:12"
    expect_output "2026-01-02"
    run jq -r '.schema, .databases[0].source, .databases[0].date, .databases[0].usable' <(bulkhead db status --format json)
    expect_output "bulkhead/db-status/1"
    expect_output "2026-01-02T00:00:00Z"
    expect_output "true"
}

@test "a damaged or foreign input is refused with its name, and nothing is changed" {
    many 3 Debian:12 >good.jsonl
    bulkhead db import good.jsonl
    python3 -c 'import zipfile
with zipfile.ZipFile("z.zip","w",zipfile.ZIP_DEFLATED) as z:
    for i in range(50): z.writestr("%d.json"%i, open("good.jsonl").read())'
    head -c $(($(stat -c %s z.zip) / 2)) z.zip >cut.zip
    python3 - <<'PY'
data = bytearray(open("z.zip", "rb").read())
data[60] ^= 0xff
open("flipped.zip", "wb").write(data)
PY
    head -c 300 good.jsonl >cut.json
    echo '{"id": 1}' >foreign.json
    head -c 4096 /dev/urandom >noise
    for bad in cut.zip flipped.zip cut.json foreign.json noise missing.json; do
        run bulkhead db import "$bad"
        [ "$status" != 0 ] || { echo "$bad was accepted"; false; }
        expect_output "$bad"
        [ "$(count_of debian-12)" = 3 ]
    done
    run ls "$BULKHEAD_ROOT/db"
    refute_output ".new"
}

@test "a few unreadable records are passed over and shown, the rest is taken" {
    { many 30 Debian:12; echo '{"id":"no good name"}'; } >feed.jsonl
    run bulkhead db import feed.jsonl
    expect_status 0
    expect_output "1 records were passed over"
    [ "$(count_of debian-12)" = 30 ]
}

@test "an implausible shrink is refused, merged with --merge and accepted with --force" {
    many 120 Debian:12 >many.jsonl
    record NEW Debian:12 p 1 >one.json
    bulkhead db import many.jsonl
    run bulkhead db import one.json
    expect_status 2
    expect_output "from 120 to 1"
    expect_output "--force"
    [ "$(count_of debian-12)" = 120 ]
    bulkhead db import --merge one.json
    [ "$(count_of debian-12)" = 121 ]
    bulkhead db import --force one.json
    [ "$(count_of debian-12)" = 1 ]
}

@test "an import killed at any moment leaves the old database whole and the next one succeeds" {
    many 400 Debian:12 >old.jsonl
    { many 3000 Debian:12; many 3000 Alpine:v3.18; } >new.jsonl
    bulkhead db import old.jsonl
    for delay in 0.005 0.01 0.02 0.03 0.04 0.05 0.07 0.09 0.12 0.15; do
        "$BULKHEAD" db import new.jsonl >/dev/null 2>&1 &
        pid=$!
        sleep "$delay"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        n=$(count_of debian-12)
        [ "$n" = 400 ] || [ "$n" = 3000 ] || { echo "after $delay: $n"; false; }
        [ "$(sqlite3 "$BULKHEAD_ROOT/db/debian-12.sqlite" 'PRAGMA integrity_check')" = ok ]
        bulkhead db import --force old.jsonl >/dev/null
        [ "$(count_of debian-12)" = 400 ]
        run ls "$BULKHEAD_ROOT/db"
        refute_output ".new"
    done
}

@test "two imports at once end one after the other" {
    many 200 Debian:12 >a.jsonl
    many 200 Alpine:v3.18 >b.jsonl
    "$BULKHEAD" db import a.jsonl >/dev/null &
    bulkhead db import b.jsonl >/dev/null
    wait
    [ "$(count_of debian-12)" = 200 ]
    [ "$(count_of alpine-v3.18)" = 200 ]
}

@test "with no network a URL fails as unavailable and leaves everything as it was" {
    require_jail
    record A Debian:12 p 1 >one.json
    bulkhead db import one.json
    run bulkhead db import https://advisories.invalid/all.zip
    expect_status 4
    expect_output "https://advisories.invalid/all.zip"
    [ "$(count_of debian-12)" = 1 ]
}

@test "a feed is fetched from a server of this machine" {
    mkdir served && record A Debian:12 p 1 >served/feed.json
    python3 -u -m http.server --bind 127.0.0.1 --directory served 0 >server.log 2>&1 &
    server=$!
    for _ in $(seq 50); do grep -q 'port [0-9]' server.log && break; sleep 0.1; done
    port=$(grep -oE 'port [0-9]+' server.log | cut -d' ' -f2)
    run bulkhead db update --no-suite --feed "http://127.0.0.1:$port/feed.json"
    kill "$server"
    expect_status 0
    [ "$(count_of debian-12)" = 1 ]
}

@test "update without feed and suite says how to configure one" {
    run bulkhead db update --no-suite
    expect_status 2
    expect_output "--feed"
}

@test "apt's lists of the security suite become a source of their own, without network" {
    compgen -G '/var/lib/apt/lists/*-security_InRelease' >/dev/null || skip "apt holds no lists of a security suite"
    compgen -G '/var/lib/apt/lists/*-security_*_Packages*' >/dev/null || skip "apt holds no lists of a security suite"
    run bulkhead db update --offline
    expect_status 0
    expect_output "debian-security"
    [ "$(bulkhead db status --format json | jq '[.databases[] | select(.key | startswith("debian-security-")) | .advisories] | add > 10')" = true ]
}

@test "compare answers a pair a line and names the line that is no pair" {
    run bulkhead db compare Debian <<<$'1.0~rc1-1 1.0-1\n1:0 2\n1 01'
    expect_status 0
    [ "$output" = $'<\n>\n=' ]
    for bad in '1' '1 2 3' '' "1 $(printf '1%.0s' $(seq 1100))"; do
        run bulkhead db compare Debian <<<$'1 1\n'"$bad"
        expect_status 2
        expect_output "line 2"
    done
    run bulkhead db compare Debain <<<'1 1'
    expect_status 2
    expect_output "no version order is known"
}

# pairs KIND COUNT: made versions of the shapes that packaging systems meet, from a fixed seed.
pairs() {
    python3 - "$@" <<'PY'
import random, sys
kind, count = sys.argv[1], int(sys.argv[2])
random.seed(20260101)
parts = ["0", "1", "9", "10", "00", "a", "b", "Z", "rc", ".", ".", "+", "~", "~~", "_" if kind == "rpm" else "+b1"]
parts += ["^", "^^", "el9", ".."] if kind == "rpm" else ["-", "-1", "+deb12u1", "~bpo", "dfsg"]
def make():
    text = random.choice(["", "", "", "0:", "1:", "10:"]) + random.choice("0129")
    text += "".join(random.choice(parts) for _ in range(random.randint(0, 7)))
    if kind == "rpm" and random.random() < .5:
        text += "-" + random.choice(["0", "1", "2.el8", "2.el8_1", "10^git", "1~rc"])
    return text + "1" if text.endswith("-") else text
def change(text):
    at = random.randrange(1, len(text) + 1)
    return text[:at] + random.choice(["", "0", "1", "~", ".", "a"]) + text[at:]
for _ in range(count):
    a = make()
    print(a, change(a) if random.random() < .6 else make())
PY
}

@test "thousands of made versions sort as dpkg --compare-versions sorts them" {
    pairs deb 2500 >made
    while read -r a b; do
        if dpkg --compare-versions "$a" lt "$b" 2>/dev/null; then echo "<"
        elif [ $? -gt 1 ]; then echo "?" # dpkg does not take it
        elif dpkg --compare-versions "$a" eq "$b" 2>/dev/null; then echo "="
        else echo ">"; fi
    done <made >expected
    bulkhead db compare Debian <made >answers
    [ "$(wc -l <answers)" = 2500 ]
    [ "$(grep -c '?' expected)" -lt 250 ]
    paste made expected answers | awk -F'\t' '$2 != "?" && $2 != $3' >wrong
    [ ! -s wrong ] || { head wrong; false; }
}

@test "thousands of made versions sort as rpm's own comparison sorts them" {
    require_tool rpm
    pairs rpm 5000 >made
    split -l 500 made part.
    : >expected
    for part in part.*; do
        rpm --eval "%{lua: for _, p in ipairs({$(awk '{ printf "{\"%s\",\"%s\"},", $1, $2 }' "$part")}) do print(rpm.vercmp(p[1], p[2]) .. ' ') end}" |
            tr ' ' '\n' | grep . | sed 's/-1/</; s/^0$/=/; s/^1$/>/' >>expected
    done
    bulkhead db compare rpm <made >answers
    [ "$(wc -l <expected)" = 5000 ]
    paste made expected answers | awk -F'\t' '$2 != $3' >wrong
    [ ! -s wrong ] || { head wrong; false; }
}

@test "every published pair of versions holds" {
    require_data versions/debian-versions.txt
    for pair in alpine:Alpine debian:Debian redhat:rpm semver:npm pypi:PyPI rubygems:RubyGems nuget:NuGet \
        pub:Pub cran:CRAN maven:Maven packagist:Packagist hackage:Hackage; do
        grep -E '^[^ #/]+ [<=>] [^ ]+$' "$DATA/versions/${pair%%:*}-versions.txt" >pairs
        awk '{ print $1, $3 }' pairs | bulkhead db compare "${pair#*:}" >answers
        paste -d' ' pairs answers | awk '$2 != $4' >wrong
        [ ! -s wrong ] || { echo "${pair#*:}"; head wrong; false; }
    done
}

@test "all real feeds are imported" {
    require_data advisories/Debian.zip
    run bulkhead db import "$DATA"/advisories/{Debian,AlmaLinux,Go,PyPI,crates.io}.zip
    expect_status 0
    [ "$(count_of debian-12)" = 6340 ]
    [ "$(count_of go)" = 4274 ]
    [ "$(count_of almalinux-9)" -gt 1500 ]
    refute_output "passed over"
}

@test "an ordinary user imports into a root of his own" {
    require_jail
    record A Debian:12 p 1 >"$WORK/one.json"
    chmod a+r "$WORK/one.json"
    run as_user "$BULKHEAD" db import "$WORK/one.json"
    expect_status 0
    run as_user "$BULKHEAD" db status
    expect_output "OSV Debian:12"
}

# A Debian 12 with one package, below ./debian.
make_debian() {
    mkdir -p debian/etc debian/var/lib/dpkg
    printf 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n' >debian/etc/os-release
    printf 'Package: libp1\nStatus: install ok installed\nSource: p (1.0-1)\nVersion: 1.0-1+b2\nArchitecture: amd64\n\n' >debian/var/lib/dpkg/status
}

@test "a scan names the vulnerability, its fix and the source that said so" {
    make_debian
    record DEBIAN-CVE-2026-1 Debian:12 p 1.0-2 >feed.jsonl
    record DEBIAN-CVE-2026-2 Debian:12 p 1.0-1 >>feed.jsonl
    record DEBIAN-CVE-2026-3 Debian:11 p 9 >>feed.jsonl
    bulkhead db import feed.jsonl
    bulkhead scan dir:debian --format json >report
    [ "$(jq -c '[.vulnerabilities[] | [.id, .aliases[0], .package, .installed, .fixed, .source]]' report)" = \
        '[["CVE-2026-1","DEBIAN-CVE-2026-1","libp1","1.0-1+b2","1.0-2","OSV Debian:12"]]' ]
}

@test "a scan without a database says that vulnerabilities were not checked" {
    make_debian
    run bulkhead scan dir:debian --format json
    expect_output "vulnerabilities were not checked"
    expect_output "bulkhead db update"
}

@test "a scan says when a database has not been refreshed for more than a week" {
    require_tool sqlite3
    make_debian
    record DEBIAN-CVE-2026-1 Debian:12 p 1.0-2 >feed.jsonl
    bulkhead db import feed.jsonl
    run bulkhead scan dir:debian --format json
    refute_output "days ago"
    sqlite3 "$BULKHEAD_ROOT/db/debian-12.sqlite" "UPDATE meta SET value = '2020-01-01T00:00:00Z' WHERE key = 'imported'"
    run bulkhead scan dir:debian --format json
    expect_output "OSV Debian:12 was imported"
    expect_output "days ago"
}

@test "a damaged database is named in the report" {
    make_debian
    record DEBIAN-CVE-2026-1 Debian:12 p 1.0-2 >feed.jsonl
    bulkhead db import feed.jsonl
    printf 'garbage garbage garbage' | dd of="$BULKHEAD_ROOT/db/debian-12.sqlite" conv=notrunc bs=1 seek=0 2>/dev/null
    run bulkhead scan dir:debian --format json
    expect_output "vulnerabilities were not checked"
    expect_output "debian-12.sqlite"
    run bulkhead db status
    expect_status 0
    expect_output "unusable"
}
