# shellcheck shell=bash
# Chromium 153, headless, from npm: built to need nothing of the host but libc, with its libraries and a font.

define chromium browser 9222 TERM
CHROMIUM_PACKAGE=@sparticuz/chromium@153.0.0
CHROMIUM_SHA512=jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==

chromium_url() { printf 'http://127.0.0.1:%s' "$1"; }
chromium_install() { unpack_once "$BIN/chromium-153.0.0" fill_chromium; }

fill_chromium() {
  npm_unpack "$1" "$CHROMIUM_PACKAGE" "$CHROMIUM_SHA512" --strip-components=2 package/bin
  unbrotli "$1/chromium.br" >"$1/chromium" && chmod 755 "$1/chromium" || die 'cannot unpack chromium'
  local part
  for part in al2023 fonts; do
    unbrotli "$1/$part.tar.br" | tar -x -C "$1" --no-same-owner || die "cannot unpack $part of chromium"
  done
  rm "$1"/*.br
  printf '<fontconfig><dir>%s/fonts</dir></fontconfig>\n' "$BIN/chromium-153.0.0" >"$1/fonts.conf"
}

unbrotli() { # unbrotli FILE
  node -e 'const { createReadStream } = require("fs")
    createReadStream(process.argv[1]).pipe(require("zlib").createBrotliDecompress()).pipe(process.stdout)' "$1"
}

chromium_start() {
  local at=$BIN/chromium-153.0.0 data
  data=$(data_dir chromium)
  new_dir "$data"
  LD_LIBRARY_PATH=$at/lib FONTCONFIG_FILE=$at/fonts.conf HOME=$data launch chromium "$at/chromium" --headless \
    --no-sandbox --no-zygote --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --remote-debugging-port="$1" --user-data-dir="$data" about:blank
}
