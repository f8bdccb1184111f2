# The page's files: the islands as WebAssembly, the style sheet, and public/.
#
# target/page/ holds the parts that cost time; target/site/ is put together from them. Names carry a
# hash of the content (ebm.HASH.js), hash.txt tells the hashes to the server.

PAGE=$ROOT/target/page
SITE=$ROOT/target/site

# One hash over files and folders, by their place in the project.
digest() { # PATH...
    (cd "$ROOT" && { find "${@#"$ROOT"/}" -type f -print0 2>/dev/null || true; } | sort -z | xargs -0r sha256sum | hash_of 32)
}

# The program that makes a loader for the compiled library, built from dev/bindgen.
bindgen() { printf '%s' "$CACHE/bindgen/$(digest dev/bindgen/{Cargo.toml,Cargo.lock,src})/bin/bindgen"; }

bindgen_version() { # Cargo.lock PACKAGE
    awk -v name="\"$2\"" '$1 == "name" {found = $3 == name} found && $1 == "version" {gsub("\"", "", $3); print $3}' "$1"
}

# Both sides speak a format that changes with every version.
check_bindgen() {
    local ours theirs
    theirs=$(bindgen_version "$ROOT/Cargo.lock" wasm-bindgen)
    ours=$(bindgen_version "$ROOT/dev/bindgen/Cargo.lock" wasm-bindgen-cli-support)
    [[ $ours == "$theirs" ]] || die "Cargo.lock has wasm-bindgen $theirs, dev/bindgen has $ours: change dev/bindgen/Cargo.toml"
}

install_bindgen() {
    cd "$ROOT"
    cargo install --locked --path dev/bindgen --root "$(dirname "$(dirname "$(bindgen)")")" --target-dir "$CACHE/bindgen/target"
    rm -rf "$CACHE/bindgen/target"
}

page_npm() { printf '%s' "$CACHE/npm/$(cat "$ROOT"/dev/npm/package{,-lock}.json | hash_of)"; }

install_page_npm() {
    local folder
    folder=$(page_npm)
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$ROOT"/dev/npm/{package.json,package-lock.json,.npmrc} "$folder"
    (cd "$folder" && npm ci --no-progress)
    touch "$folder/complete"
}

install_page_tools() {
    check_bindgen
    if [[ ! -x $(bindgen) ]]; then
        say "wasm-bindgen, built from dev/bindgen (a minute or two): it makes the browser's side of the islands"
        step "building it" "$STATE/log/bindgen.log" install_bindgen
    fi
    if [[ ! -f $(page_npm)/complete ]]; then
        say "binaryen and esbuild, from npm, into $(page_npm): they make wasm, scripts and styles small"
        step "fetching them" "$STATE/log/npm.log" install_page_npm
    fi
}

compile_wasm() {
    cd "$ROOT"
    cargo build --locked --lib --target wasm32-unknown-unknown --no-default-features --features hydrate \
        --profile wasm-release --target-dir "$ROOT/target-wasm"
}

compiled_wasm() { printf '%s' "$ROOT/target-wasm/wasm32-unknown-unknown/wasm-release/ebm.wasm"; }

# Every file gets its compressed twins, which the server sends as they are.
compress() { # FILE...
    local file
    for file; do
        brotli -f -q 11 -o "$file.br" "$file"
        gzip -9 -n -k -f "$file"
    done
}

# The compiled library made ready for the browser, in target/page/.
shrink_wasm() {
    local bin
    bin=$(page_npm)/node_modules/.bin
    rm -rf "$PAGE"
    mkdir -p "$PAGE/bindgen"
    "$(bindgen)" "$(compiled_wasm)" ebm "$PAGE/bindgen"
    "$bin/wasm-opt" -Oz "$PAGE/bindgen/ebm_bg.wasm" -o "$PAGE/ebm.wasm"
    "$bin/esbuild" --log-level=warning --bundle --minify --format=esm "$PAGE/bindgen/ebm.js" --outfile="$PAGE/ebm.js"
    compress "$PAGE/ebm.wasm" "$PAGE/ebm.js"
}

# The style sheet with everything it imports; addresses inside it are left as they are.
bundle_style() {
    "$(page_npm)/node_modules/.bin/esbuild" --log-level=warning --bundle --minify \
        --external:'*.svg' --external:'*.png' --external:'*.woff2' \
        "$ROOT/style/main.css" --outfile="$PAGE/ebm.css"
    compress "$PAGE/ebm.css"
}

# Puts the site together beside the old one, then changes places.
assemble_site() {
    local new=$SITE.new kind file hash
    rm -rf "$new"
    mkdir -p "$new/pkg"
    if [[ -d $ROOT/public ]]; then cp -R "$ROOT/public/." "$new"; fi
    while IFS= read -r -d '' file; do compress "$file"; done < <(
        find "$new" -type f \( -name '*.svg' -o -name '*.txt' -o -name '*.js' -o -name '*.css' -o -name '*.json' -o -name '*.webmanifest' -o -name '*.ico' \) -print0
    )
    bundle_style
    for kind in js wasm css; do
        hash=$(hash_of 20 <"$PAGE/ebm.$kind")
        printf '%s: %s\n' "$kind" "$hash" >>"$new/hash.txt"
        for file in '' .br .gz; do cp "$PAGE/ebm.$kind$file" "$new/pkg/ebm.$hash.$kind$file"; done
    done
    chmod -R u=rwX,go=rX "$new"
    rm -rf "$SITE"
    mv "$new" "$SITE"
}

up_to_date() { # STAMP VALUE
    [[ -f $1 && $(<"$1") == "$2" ]]
}

# Builds what has changed: cargo knows it for the wasm, a digest for the rest.
build_page() {
    local stamp folder
    step "compiling the islands" "$STATE/log/wasm.log" compile_wasm
    stamp=$(digest "$(compiled_wasm)" dev/bindgen/{Cargo.lock,src} dev/npm dev/lib/page.sh)
    if ! up_to_date "$PAGE/stamp" "$stamp"; then
        step "making them small" "$STATE/log/wasm-opt.log" shrink_wasm
        printf '%s' "$stamp" >"$PAGE/stamp"
    fi
    stamp=$stamp-$(digest style public)
    if [[ ! -d $SITE ]] || ! up_to_date "$PAGE/site-stamp" "$stamp"; then
        step "style and public files" "$STATE/log/site.log" assemble_site
        printf '%s' "$stamp" >"$PAGE/site-stamp"
    fi
    # The server looks for the hashes beside its executable.
    for folder in "$TARGET"/{debug,release}; do
        if [[ -d $folder ]] && ! cmp -s "$SITE/hash.txt" "$folder/hash.txt"; then cp "$SITE/hash.txt" "$folder/"; fi
    done
}
