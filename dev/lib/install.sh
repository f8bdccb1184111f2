# What must be on the machine, and how it gets there. Nothing is installed before it has been said.

has() { command -v "$1" >/dev/null; }

missing=()
need() { # PACKAGE REASON PROBE...
    if ! "${@:3}" >/dev/null 2>&1; then
        missing+=("$1")
        printf '  %-24s %s\n' "$1" "$2"
    fi
}

java_compiles() {
    local java major
    java=$(readlink -f "$(command -v java)") || return 1
    major=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
    ((major >= 17)) && [[ -x ${java%/*}/javac ]]
}

both() { has "$1" && has "$2"; }

need_for_building() {
    need build-essential "C compiler and make: parts of Rust packages are C" both cc make
    need pkg-config "finds the C libraries" has pkg-config
    need libssl-dev "the Kafka client's TLS" pkg-config --exists openssl
    need zlib1g-dev "the Kafka client's compression" pkg-config --exists zlib
    need cmake "builds the cryptography of rustls" has cmake
    need brotli "compresses the page's files" has brotli
}

need_for_servers() {
    need default-jdk-headless "Java 17 or newer runs Kafka; its compiler the small program that grants rights" java_compiles
    need maven "fetches Kafka" has mvn
    need python3-venv "MiniStack, the stand-in for AWS, is written in Python" python3 -c 'import venv, ensurepip'
    need postgresql "the database" postgres_programs
}

need_for_page_tests() {
    need chromium "the browser of the page tests" test -x "${PLAYWRIGHT_CHROMIUM:-/usr/bin/chromium}"
    need firefox-esr "another one, for the main way" test -x "${PLAYWRIGHT_FIREFOX:-/usr/bin/firefox-esr}"
}

apt_install() {
    # Empty lists of packages are the rule in a fresh image.
    "$@" apt-get -q update
    "$@" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${missing[@]}"
}

# Installs the Debian packages that the given checks miss.
install_packages() { # CHECK...
    local check sudo=()
    missing=()
    say "Debian packages"
    for check; do "$check"; done
    if ((${#missing[@]} == 0)); then
        say "  all there"
        return
    fi
    if ((EUID != 0)); then
        has apt-get && has sudo || die "please install the above, then start again:
       apt-get install --no-install-recommends ${missing[*]}"
        say "  installed with sudo"
        # Asks for the password here, where it can be typed.
        sudo -v || die "please install the above, then start again: apt-get install --no-install-recommends ${missing[*]}"
        sudo=(sudo)
    elif ! has apt-get; then
        die "this machine has no apt-get; please install what the above packages of Debian hold, then start again"
    fi
    step "installing them" "$STATE/log/apt.log" apt_install "${sudo[@]}"
    missing=()
    for check; do "$check"; done
    ((${#missing[@]} == 0)) || die "still not there after the installation: ${missing[*]} (see $STATE/log/apt.log)"
}

rust_channel() { sed -n 's/^channel *= *"\(.*\)"/\1/p' "$ROOT/rust-toolchain.toml"; }

rust_complete() {
    local root
    root=$(rustup run "$(rust_channel)" rustc --print sysroot) || return 1
    [[ -d $root/lib/rustlib/wasm32-unknown-unknown/lib && -x $root/bin/clippy-driver && -x $root/bin/rustfmt ]]
}

install_rust() {
    rustup toolchain install "$(rust_channel)" --profile minimal --component clippy,rustfmt --target wasm32-unknown-unknown
}

check_rust() {
    has rustup || die "rustup is missing: it brings the Rust compiler that rust-toolchain.toml names. See https://rustup.rs"
    rust_complete 2>/dev/null && return
    say "Rust $(rust_channel) with clippy, rustfmt and the wasm32 target (rust-toolchain.toml asks for it)"
    step "installing it" "$STATE/log/rustup.log" install_rust
}

check_node() {
    local version
    version=$(node --version 2>/dev/null) || die "Node 20 or newer is missing: it runs the tools that make the page's files"
    version=${version#v}
    ((${version%%.*} >= 20)) || die "Node 20 or newer is needed for the tools that make the page's files; this is $version"
    has npm || die "npm is missing: it brings the tools that make the page's files"
}

# The servers that are not Debian's.
install_servers() {
    if [[ ! -f $(kafka_libs)/complete ]]; then
        say "Apache Kafka, from Maven, into $(kafka_libs)"
        step "fetching it" "$STATE/log/maven.log" install_kafka
    fi
    if [[ ! -f $(ministack_venv)/complete ]]; then
        say "MiniStack $MINISTACK_VERSION (IAM, STS and SQS), from PyPI, into $(ministack_venv)"
        step "fetching it" "$STATE/log/pip.log" install_ministack
    fi
}
