#!/bin/sh
# Makes an authority and the certificates that it vouches for, for 30 days: sh examples/certificates.sh FOLDER
set -eu
folder=${1:?a folder is missing: sh examples/certificates.sh examples/https/certificates}
mkdir -p "$folder"
cd "$folder"
umask 077

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=Examples authority' \
  -keyout authority-key.pem -out authority.pem 2>/dev/null

# One certificate: NAME, subject alternative names, purpose.
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1-key.pem" -out "$1.csr" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$2" "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA authority.pem -CAkey authority-key.pem -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
}
issue server DNS:localhost,DNS:shop.example,DNS:vault.data.example,IP:127.0.0.1 serverAuth
issue client URI:spiffe://example/ns/shop/sa/client clientAuth
echo "Certificates are in $(pwd)."
