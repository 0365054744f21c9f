#!/usr/bin/env bats
# Images from registries: Debian's docker-registry (plain, with passwords, with TLS) and one of ours
# that misbehaves on demand (tests/lib/fault_registry.py). All on loopback.
load lib
bats_require_minimum_version 1.5.0

# htpasswd -B: user bulkhead, password secret.
# shellcheck disable=SC2016 # no expansion is meant
HTPASSWD='bulkhead:$2b$05$g0qVDEXm.9EWjFoXfPP11Ox64o8yMDeZtPwEzdws1wsJGmb8LBfNi'

prepare_file() {
    mkdir -p "$WORK/l1/etc" "$WORK/l2/bin" "$WORK/l3"
    echo one >"$WORK/l1/etc/one"
    head -c 3000000 /dev/urandom >"$WORK/l2/bin/two"
    head -c 300000 /dev/urandom >"$WORK/l3/three"
    DIGEST=$("$TREE/tests/lib/make-image" oci "$WORK/layout" "$WORK/l1" "$WORK/l2" "$WORK/l3")
    make_certificates
    "$TREE/tests/lib/fault_registry.py" --layout "$WORK/layout" --port-file "$WORK/port" \
        --log "$WORK/log" >"$WORK/server.out" 2>&1 3>&- &
    echo $! >"$WORK/pids"
    "$TREE/tests/lib/fault_registry.py" --layout "$WORK/layout" --port-file "$WORK/tls-port" \
        --log "$WORK/tls-log" --tls "$WORK/server.pem" "$WORK/server.key" >"$WORK/tls.out" 2>&1 3>&- &
    echo $! >>"$WORK/pids"
    for file in port tls-port; do
        for _ in $(seq 100); do [ -s "$WORK/$file" ] && break; sleep 0.1; done
    done
    PORT=$(cat "$WORK/port") TLS_PORT=$(cat "$WORK/tls-port")
    export DIGEST PORT TLS_PORT HOME=$WORK
    unset XDG_RUNTIME_DIR XDG_CONFIG_HOME DOCKER_CONFIG REGISTRY_AUTH_FILE SSL_CERT_FILE
}

cleanup_file() {
    local pid
    while read -r pid; do kill "$pid" 2>/dev/null || true; done <"$WORK/pids"
}

# An issuer of the test's own, and a certificate of it for 127.0.0.1.
make_certificates() {
    local days=(-days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
    openssl req -x509 "${days[@]}" -subj /CN=bulkhead-test-issuer -keyout "$WORK/ca.key" \
        -out "$WORK/ca.pem" 2>/dev/null
    openssl req "${days[@]:2}" -subj /CN=127.0.0.1 -keyout "$WORK/server.key" -out "$WORK/server.csr" 2>/dev/null
    openssl x509 -req -in "$WORK/server.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -days 2 \
        -extfile <(echo subjectAltName=IP:127.0.0.1,DNS:registry.test) -out "$WORK/server.pem" 2>/dev/null
    openssl x509 -req -in "$WORK/server.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -days 2 \
        -extfile <(echo subjectAltName=DNS:elsewhere.example) -out "$WORK/other.pem" 2>/dev/null
}

setup() {
    rm -rf "$BULKHEAD_ROOT"
    : >"$WORK/log"
}

pull() { run bulkhead pull --plain-http "docker://127.0.0.1:$PORT/$1/image:latest" "${@:2}"; }
tls_pull() { run bulkhead pull "docker://127.0.0.1:$TLS_PORT/$1/image:latest" "${@:2}"; }
pulled() {
    expect_status 0
    expect_output "@$DIGEST"
    # Every blob is there, whole, under its digest.
    local blob
    for blob in "$WORK"/layout/blobs/sha256/*; do
        cmp "$blob" "$BULKHEAD_ROOT/blobs/sha256/${blob##*/}"
    done
    [ -z "$(find "$BULKHEAD_ROOT/tmp" -type f)" ]
}
# Neither a name nor a blob that is not what its name says.
nothing_wrong_left() {
    local blob
    [ -z "$(find "$BULKHEAD_ROOT/names" -type f)" ]
    for blob in "$BULKHEAD_ROOT"/blobs/sha256/*; do
        [ -e "$blob" ] || continue
        [ "$(sha256sum <"$blob" | cut -d' ' -f1)" = "${blob##*/}" ]
    done
}
auth_file() { # REGISTRY MEMBERS
    printf '{"auths":{"%s":{%s}}}' "$1" "$2" >"$WORK/auth.json"
}
log_count() { jq -s "[.[] | select($1)] | length" "$WORK/log"; }

@test "an image is pulled by tag, verified, and named" {
    pull ok
    pulled
    run bulkhead images
    expect_output "127.0.0.1:$PORT/ok/image:latest"
}

@test "an image is pulled by digest" {
    run bulkhead pull --plain-http "docker://127.0.0.1:$PORT/ok/image@$DIGEST"
    pulled
}

@test "what the store has is not fetched again" {
    pull ok
    pulled
    : >"$WORK/log"
    pull ok
    pulled
    [ "$(log_count '.path | contains("/blobs/")')" = 0 ]
}

@test "a tag nobody knows is named with its registry" {
    run bulkhead pull --plain-http "docker://127.0.0.1:$PORT/ok/image:none"
    expect_status 1
    expect_output "127.0.0.1:$PORT has no image ok/image with tag none"
}

@test "a server that is no registry is told from a missing image" {
    python3 -m http.server --bind 127.0.0.1 --directory "$WORK/l1" 0 >"$WORK/plain.out" 2>&1 3>&- &
    echo $! >>"$WORK/pids"
    for _ in $(seq 100); do grep -q port "$WORK/plain.out" && break; sleep 0.1; done
    run bulkhead pull --plain-http "docker://127.0.0.1:$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$WORK/plain.out")/a/b"
    expect_status 1
    expect_output "does not answer as a registry"
}

@test "nobody listening is unavailable, status 4" {
    run bulkhead pull --plain-http docker://127.0.0.1:1/a/b
    expect_status 4
}

@test "cut connections are resumed from where they broke" {
    pull cut
    pulled
    [ "$(log_count '.status == 206 and (.range | startswith("bytes="))')" -ge 3 ]
}

@test "connections cut before any answer are tried again" {
    pull cut-headers
    pulled
}

@test "a server that ignores Range is read from the start again" {
    pull no-range
    pulled
    [ "$(log_count '.range != "" and .status == 200')" -ge 1 ]
}

@test "429 is waited out as Retry-After says" {
    begin=$(date +%s)
    pull busy
    pulled
    [ $(($(date +%s) - begin)) -ge 4 ] # two answers for the manifest, two for the blobs, one second each
}

@test "a server that stays unavailable is given up, status 4" {
    pull unavailable
    expect_status 4
    expect_output 503
    [ "$(log_count '.status == 503')" = 5 ]
}

@test "a pull that was killed goes on where it was" {
    "$BULKHEAD" pull --plain-http "docker://127.0.0.1:$PORT/slow/image:latest" 2>/dev/null 3>&- &
    pid=$!
    for _ in $(seq 100); do [ -n "$(find "$BULKHEAD_ROOT/tmp" -name 'partial-*' -size +0 2>/dev/null)" ] && break; sleep 0.1; done
    kill -9 "$pid"
    wait "$pid" || true
    nothing_wrong_left
    # The bytes of the slow server were wrong; they are hashed again, and thrown away.
    pull ok
    pulled
    [ "$(log_count '.range != ""')" -ge 1 ]
}

@test "a blob of other content is refused and nothing of it stays" {
    pull wrong-blob
    expect_status 2
    expect_output "has other content"
    nothing_wrong_left
}

@test "a blob that is too long, too short or endless is refused" {
    for fault in long-blob endless-blob; do
        pull "$fault"
        expect_status 2
        expect_output "the registry sends more than"
        nothing_wrong_left
    done
    pull short-blob
    expect_status 2
    expect_output "cut short"
    nothing_wrong_left
}

@test "a manifest of other content than the digest asked for or stated is refused" {
    for fault in wrong-manifest wrong-header; do
        pull "$fault"
        expect_status 2
        expect_output "the registry says sha256:"
        nothing_wrong_left
    done
    run bulkhead pull --plain-http "docker://127.0.0.1:$PORT/wrong-manifest/image@$DIGEST"
    expect_status 2
    expect_output "not $DIGEST"
}

@test "a manifest over 4 MiB or without end is refused" {
    for fault in big-manifest endless-manifest; do
        pull "$fault"
        expect_status 2
        expect_output "limit"
    done
}

@test "a token is fetched for reading this repository alone, and again when it runs out" {
    pull bearer
    pulled
    [ "$(log_count '(.path // "") | startswith("/token")')" -ge 2 ]
    [ "$(log_count '((.path // "") | startswith("/token")) and (.path | contains("scope=repository%3Abearer%2Fimage%3Apull") | not)')" = 0 ]
}

@test "a token server gets the password, and the registry only the token" {
    auth_file "127.0.0.1:$PORT" "\"auth\":\"$(printf bulkhead:secret | base64)\""
    pull bearer-login --auth-file "$WORK/auth.json"
    pulled
    [ "$(log_count '.authorization == "Basic" and (.path | startswith("/token") | not)')" = 0 ]
    refute_output secret
}

@test "an identity token is exchanged for an access token" {
    auth_file "127.0.0.1:$PORT" '"identitytoken":"refresh"'
    pull bearer-login --auth-file "$WORK/auth.json"
    pulled
    [ "$(log_count '.form.grant_type == ["refresh_token"] and .form.client_id == ["bulkhead"]')" -ge 1 ]
}

@test "wrong and missing credentials are denied with a way out, status 5" {
    pull bearer-login
    expect_status 5
    expect_output "--auth-file"
    auth_file "127.0.0.1:$PORT" "\"auth\":\"$(printf bulkhead:wrong | base64)\""
    for fault in bearer-login basic; do
        pull "$fault" --auth-file "$WORK/auth.json"
        expect_status 5
        expect_output "does not accept the credentials of user bulkhead"
        refute_output wrong
    done
    pull bearer-loop
    expect_status 5
}

@test "a password is taken from the environment" {
    export BULKHEAD_REGISTRY_USER=bulkhead BULKHEAD_REGISTRY_PASSWORD=secret
    pull basic
    pulled
}

@test "a credential helper is refused with a way out" {
    printf '{"auths":{"127.0.0.1:%s":{}},"credsStore":"desktop"}' "$PORT" >"$WORK/auth.json"
    pull basic --auth-file "$WORK/auth.json"
    expect_output "docker-credential-desktop, which Bulkhead does not run"
    [ "$status" != 0 ]
}

@test "broken challenges and tokens are refused" {
    pull challenge
    expect_status 2
    pull bearer-evil
    expect_status 2
    [ "$(log_count '.authorization == "Bearer"')" = 0 ]
}

@test "credentials do not follow a redirect to another place" {
    pull elsewhere
    pulled
}

@test "plain HTTP needs the option, and is for loopback alone" {
    run bulkhead pull "docker://127.0.0.1:$PORT/ok/image:latest"
    [ "$status" != 0 ]
    [ "$(log_count 'true')" = 0 ]
    run timeout 10 "$BULKHEAD" pull --plain-http docker://192.0.2.1:5000/a/b # spoken to over TLS: no such net here
    [ "$status" != 0 ]
}

@test "a certificate of an unknown issuer is denied; a named issuer is trusted" {
    tls_pull ok
    expect_status 5
    expect_output certificate
    mkdir -p "$WORK/.config/containers/certs.d/127.0.0.1:$TLS_PORT"
    cp "$WORK/ca.pem" "$WORK/.config/containers/certs.d/127.0.0.1:$TLS_PORT/ca.crt"
    tls_pull ok
    pulled
    rm -r "$WORK/.config"
    SSL_CERT_FILE=$WORK/ca.pem tls_pull ok
    pulled
}

@test "tokens and cuts work over TLS as well" {
    SSL_CERT_FILE=$WORK/ca.pem tls_pull bearer
    pulled
    rm -rf "$BULKHEAD_ROOT"
    SSL_CERT_FILE=$WORK/ca.pem tls_pull cut
    pulled
}

@test "a redirect from https to http is refused" {
    SSL_CERT_FILE=$WORK/ca.pem tls_pull downgrade
    expect_status 5
    expect_output "redirect from https://127.0.0.1 to plain http://127.0.0.1"
    nothing_wrong_left
}

@test "a certificate for another host, and TLS before 1.2, are denied" {
    for options in "-cert $WORK/other.pem -tls1_2" "-cert $WORK/server.pem -tls1_1 -cipher DEFAULT@SECLEVEL=0"; do
        # shellcheck disable=SC2086 # several options
        openssl s_server -accept 127.0.0.1:0 $options -key "$WORK/server.key" -www >"$WORK/s_server" 2>&1 3>&- &
        pid=$!
        for _ in $(seq 100); do grep -q ACCEPT "$WORK/s_server" && break; sleep 0.1; done
        port=$(sed -n 's/^ACCEPT 127.0.0.1:\([0-9]*\)$/\1/p' "$WORK/s_server" | head -n 1)
        SSL_CERT_FILE=$WORK/ca.pem run bulkhead pull "docker://127.0.0.1:$port/a/b"
        kill "$pid"
        wait "$pid" || true
        expect_status 5
    done
}

@test "scan and an ordinary user pull as well" {
    bulkhead scan --plain-http "docker://127.0.0.1:$PORT/ok/image:latest" --format json >"$WORK/scan.json"
    [ "$(jq -r .target.kind "$WORK/scan.json")" = docker ]
    [ "$(jq -r .target.digest "$WORK/scan.json")" = "$DIGEST" ]
    run as_user "$BULKHEAD" pull --plain-http "docker://127.0.0.1:$PORT/cut/image:latest"
    expect_status 0
    expect_output "@$DIGEST"
}

@test "names are looked up inside the confinement" {
    require_root
    require_jail
    echo "nameserver 127.0.0.1" >"$WORK/resolv.conf"
    mount --bind "$WORK/resolv.conf" "$(readlink -f /etc/resolv.conf)"
    "$TREE/tests/lib/name_server.py" registry.test >"$WORK/names.out" 2>&1 3>&- &
    echo $! >>"$WORK/pids"
    for _ in $(seq 50); do getent ahostsv4 registry.test >/dev/null && break; sleep 0.1; done
    SSL_CERT_FILE=$WORK/ca.pem run bulkhead pull "docker://registry.test:$TLS_PORT/ok/image:latest"
    umount "$(readlink -f /etc/resolv.conf)"
    pulled
}

@test "a proxy of the environment is used for names that are not excepted" {
    "$TREE/tests/lib/connect_proxy.py" "$WORK/proxy-port" "$WORK/proxy-log" "$TLS_PORT" 3>&- &
    echo $! >>"$WORK/pids"
    for _ in $(seq 100); do [ -s "$WORK/proxy-port" ] && break; sleep 0.1; done
    proxy=http://127.0.0.1:$(cat "$WORK/proxy-port")
    export HTTPS_PROXY=$proxy
    SSL_CERT_FILE=$WORK/ca.pem run bulkhead pull docker://registry.test:4443/ok/image:latest
    pulled
    grep -q '^CONNECT registry.test:4443 ' "$WORK/proxy-log"
    rm -rf "$BULKHEAD_ROOT"
    : >"$WORK/proxy-log"
    SSL_CERT_FILE=$WORK/ca.pem tls_pull ok # loopback goes without
    pulled
    SSL_CERT_FILE=$WORK/ca.pem NO_PROXY=registry.test run bulkhead pull docker://registry.test:4443/ok/image:latest
    [ "$status" != 0 ]
    [ ! -s "$WORK/proxy-log" ]
}

@test "the process that speaks to the network is confined" {
    "$BULKHEAD" pull --plain-http "docker://127.0.0.1:$PORT/slow/image:latest" 2>/dev/null 3>&- &
    pid=$!
    for _ in $(seq 100); do [ -n "$(find "$BULKHEAD_ROOT/tmp" -name 'partial-*' -size +0 2>/dev/null)" ] && break; sleep 0.1; done
    worker=
    for status_file in /proc/[0-9]*/status; do
        grep -qs '^Name:.bulkhead-fetch' "$status_file" &&
            [ "$(awk '/^PPid:/ { print $2 }' "$status_file")" = "$pid" ] && worker=${status_file%/status}
    done
    cp "$worker/status" "$WORK/worker"
    files=$(find "$worker/fd" -type l -lname '/*' ! -lname '/dev/*' 2>/dev/null || true)
    kill "$pid"
    wait "$pid" || true
    grep -q '^NoNewPrivs:.1' "$WORK/worker"
    grep -q '^Seccomp:.2' "$WORK/worker"
    grep -q '^CapEff:.0000000000000000' "$WORK/worker"
    grep -q '^CapPrm:.0000000000000000' "$WORK/worker"
    [ -z "$files" ] # no file is open in it
    [ "$(id -u)" != 0 ] || grep -q '^Uid:.65534.65534.65534.65534' "$WORK/worker"
    # It ends with the one that started it.
    for _ in $(seq 50); do grep -qs '^State:.[^Z]' "$worker/status" || break; sleep 0.1; done
    run ! grep -qs '^State:.[^Z]' "$worker/status"
}

# ---- Debian's registry

registry() { # NAME [LINE below http:, or AUTH at the top]: starts docker-registry, sets REGISTRY
    local name=$1 http=${2:-} top=${3:-}
    require_tool docker-registry
    require_tool skopeo
    REGISTRY_PORT=$((20000 + RANDOM % 20000))
    mkdir -p "$WORK/$name"
    cat >"$WORK/$name.yml" <<EOF
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $WORK/$name}}
http:
  addr: 127.0.0.1:$REGISTRY_PORT
  $http
$top
EOF
    docker-registry serve "$WORK/$name.yml" >"$WORK/$name.out" 2>&1 3>&- &
    echo $! >>"$WORK/pids"
    for _ in $(seq 100); do (: >"/dev/tcp/127.0.0.1/$REGISTRY_PORT") 2>/dev/null && break; sleep 0.1; done
    REGISTRY=127.0.0.1:$REGISTRY_PORT
}

@test "Debian's registry: pull what skopeo pushed, several platforms behind one name" {
    registry plain
    "$TREE/tests/lib/make-image" oci "$WORK/multi" --index "$WORK/l1" >/dev/null
    skopeo copy -q --dest-tls-verify=false "oci:$WORK/layout:latest" "docker://$REGISTRY/a/b:1"
    skopeo copy -q --all --dest-tls-verify=false "oci:$WORK/multi:latest" "docker://$REGISTRY/a/multi:1"
    run bulkhead pull --plain-http "docker://$REGISTRY/a/b:1"
    pulled
    run bulkhead pull --plain-http "docker://$REGISTRY/a/multi:1"
    expect_status 0
    # The digest of the index, as users pin images of several platforms.
    local index="docker://$REGISTRY/a/multi@$(jq -r '.manifests[0].digest' "$WORK/multi/index.json")"
    run bulkhead pull --plain-http "$index"
    expect_status 0
    expect_output "$REGISTRY/a/multi@sha256:"
    run bulkhead gc --verify
    run bulkhead pull "${index#docker://}" --name kept
    expect_status 0
    run bulkhead pull --plain-http "docker://$REGISTRY/a/none"
    expect_status 1
    expect_output "has no image a/none with tag latest"
}

@test "Debian's registry: passwords over TLS" {
    echo "$HTPASSWD" >"$WORK/htpasswd"
    registry secured "tls: {certificate: $WORK/server.pem, key: $WORK/server.key}" \
        "auth: {htpasswd: {realm: test, path: $WORK/htpasswd}}"
    mkdir -p "$WORK/certs"
    cp "$WORK/ca.pem" "$WORK/certs/ca.crt"
    skopeo copy -q --dest-cert-dir "$WORK/certs" --dest-creds bulkhead:secret \
        "oci:$WORK/layout:latest" "docker://$REGISTRY/a/b:1"
    SSL_CERT_FILE=$WORK/ca.pem run bulkhead pull "docker://$REGISTRY/a/b:1"
    expect_status 5
    skopeo login -u bulkhead -p secret --authfile "$WORK/login.json" --cert-dir "$WORK/certs" "$REGISTRY"
    SSL_CERT_FILE=$WORK/ca.pem run bulkhead pull --auth-file "$WORK/login.json" "docker://$REGISTRY/a/b:1"
    pulled
}
