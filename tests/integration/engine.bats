#!/usr/bin/env bats
# Images of a running Docker or Podman, both started here with roots and sockets of the test's own.
load lib

prepare_file() {
    mkdir -p "$WORK/l1/etc" "$WORK/l2/bin"
    echo one >"$WORK/l1/etc/one"
    head -c 3000000 /dev/urandom >"$WORK/l2/bin/two"
    "$TREE/tests/lib/make-image" docker-archive "$WORK/image.tar" --tag test/web:1 "$WORK/l1" "$WORK/l2" >/dev/null
    : >"$WORK/pids"
    if [ -n "${BULKHEAD_IN_JAIL:-}" ] && [ "$(id -u)" = 0 ]; then
        start_podman
        start_docker
    fi
}

# By number, and waited for: they hold mounts below $WORK.
cleanup_file() {
    local pid
    while read -r pid; do
        kill "$pid" 2>/dev/null || continue
        for _ in $(seq 100); do [ -d "/proc/$pid" ] || break; sleep 0.1; done
    done <"$WORK/pids"
}

wait_for() { for _ in $(seq 150); do [ -S "$1" ] && return; sleep 0.1; done; return 1; }

start_podman() {
    command -v podman >/dev/null || return 0
    local podman=(podman --root "$WORK/podman" --runroot "$WORK/podman-run" --tmpdir "$WORK/podman-tmp"
        --storage-driver vfs --cgroup-manager cgroupfs --events-backend file)
    timeout 60 "${podman[@]}" load -q -i "$WORK/image.tar" >"$WORK/podman.out" 2>&1 3>&- || return 0
    "${podman[@]}" system service --time 0 "unix://$WORK/podman.sock" >>"$WORK/podman.out" 2>&1 3>&- &
    echo $! >>"$WORK/pids"
    wait_for "$WORK/podman.sock" || true
}

start_docker() {
    command -v dockerd >/dev/null || return 0
    dockerd --data-root "$WORK/docker" --exec-root "$WORK/docker-run" --pidfile "$WORK/docker.pid" \
        -H "unix://$WORK/docker.sock" --bridge=none --iptables=false --ip6tables=false \
        --storage-driver vfs >"$WORK/docker.out" 2>&1 3>&- &
    echo $! >>"$WORK/pids"
    wait_for "$WORK/docker.sock" || return 0
    timeout 60 docker -H "unix://$WORK/docker.sock" load -q -i "$WORK/image.tar" >>"$WORK/docker.out" 2>&1 3>&- ||
        rm -f "$WORK/docker.sock"
}

require_engine() { # podman or docker
    require_root
    require_jail
    [ -S "$WORK/$1.sock" ] || skip "$1 does not start here: $(tail -n 1 "$WORK/$1.out" 2>/dev/null || echo not installed)"
    export DOCKER_HOST=unix://$WORK/$1.sock
}

setup() { rm -rf "$BULKHEAD_ROOT"; }

# The layers are those that went in, byte for byte.
same_layers() {
    local layer
    mkdir -p "$WORK/saved"
    tar -xf "$WORK/image.tar" -C "$WORK/saved"
    while read -r layer; do
        cmp "$layer" "$BULKHEAD_ROOT/blobs/sha256/$(sha256sum <"$layer" | cut -d' ' -f1)"
    done < <(find "$WORK/saved" -name layer.tar -type f)
    [ -z "$(find "$BULKHEAD_ROOT/tmp" -type f)" ]
}

@test "an image of a running Podman is imported, layers unchanged" {
    require_engine podman
    run bulkhead pull docker-daemon:localhost/test/web:1
    expect_status 0
    expect_output "localhost/test/web:1@sha256:"
    same_layers
}

@test "an image of a running Docker is imported, layers unchanged" {
    require_engine docker
    run bulkhead pull docker-daemon:test/web:1
    expect_status 0
    expect_output "test/web:1@sha256:"
    same_layers
}

@test "scan names the engine as the source" {
    require_engine docker
    bulkhead scan docker-daemon:test/web:1 --format json >"$WORK/scan.json"
    [ "$(jq -r .target.kind "$WORK/scan.json")" = docker-daemon ]
}

@test "an image no engine has is named with the sockets that were asked" {
    require_engine docker
    run bulkhead pull docker-daemon:test/none
    expect_status 1
    expect_output "asked: $WORK/docker.sock"
}

@test "a socket this user may not use is denied with a way out, status 5" {
    require_engine docker
    chmod 600 "$WORK/docker.sock"
    run as_user env DOCKER_HOST="$DOCKER_HOST" "$BULKHEAD" pull docker-daemon:test/web:1
    expect_status 5
    expect_output "may not be used by this user"
}

@test "no engine at all is said with the places that were looked at" {
    unset DOCKER_HOST CONTAINER_HOST XDG_RUNTIME_DIR
    [ ! -S /var/run/docker.sock ] || skip "an engine runs on this host"
    run bulkhead pull docker-daemon:test/web:1
    expect_status 1
    expect_output "/var/run/docker.sock, /run/podman/podman.sock"
}

@test "an engine over TCP is refused by name" {
    DOCKER_HOST=tcp://127.0.0.1:2375 run bulkhead pull docker-daemon:test/web:1
    [ "$status" != 0 ]
    expect_output "DOCKER_HOST=tcp://127.0.0.1:2375 names no unix socket"
}

@test "an engine that sends no archive is refused and nothing stays" {
    require_tool python3
    python3 - "$WORK/fake.sock" >/dev/null 2>&1 3>&- <<'PY' &
import http.server, socketserver, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"{}" if self.path.endswith("/json") else b"no archive at all" * 100
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def address_string(self):
        return "unix"
socketserver.UnixStreamServer(sys.argv[1], H).serve_forever()
PY
    echo $! >>"$WORK/pids"
    wait_for "$WORK/fake.sock"
    DOCKER_HOST=unix://$WORK/fake.sock run bulkhead pull docker-daemon:test/web:1
    [ "$status" != 0 ]
    [ -z "$(find "$BULKHEAD_ROOT/tmp" "$BULKHEAD_ROOT/names" -type f)" ]
}
