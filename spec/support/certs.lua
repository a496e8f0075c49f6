-- Throw-away certificates for the specs that speak TLS, made by the openssl command in a fresh
-- directory. One authority signs them all but `self_signed`, so a spec that trusts `ca.pem` fails
-- for exactly the reason its name says.

local certs = {}

local MAKE = [[
set -e
cd %s
key="ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 -newkey $key -keyout ca.key -out ca.pem -subj "/CN=Throw-away authority" -days 2
leaf() { # name, common name, subject alternative names, days
  openssl req -newkey $key -keyout $1.key -out $1.csr -subj "/CN=$2" -addext "subjectAltName=$3"
  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy \
    -days $4 -out $1.pem
}
leaf good localhost DNS:localhost,DNS:api.example,IP:127.0.0.1 2
leaf wrong_host elsewhere.example DNS:elsewhere.example 2
leaf expired localhost DNS:localhost,IP:127.0.0.1 -1
openssl req -x509 -newkey $key -keyout self_signed.key -out self_signed.pem -subj "/CN=localhost" \
  -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -days 2
]]

--- Makes the certificates.
---@return string directory holding ca.pem and, for each of good, wrong_host, expired and
---self_signed, NAME.pem and NAME.key; the caller removes it with `certs.remove`
function certs.make()
  local directory = os.tmpname()
  os.remove(directory)
  assert(os.execute("mkdir -m 700 '" .. directory .. "'"))
  local script = MAKE:format("'" .. directory .. "'")
  local made = os.execute("( " .. script .. " ) >'" .. directory .. "/openssl.log' 2>&1")
  assert(made, "the openssl command could not make test certificates; see " .. directory)
  return directory
end

--- Removes what `make` made.
---@param directory string
function certs.remove(directory)
  os.execute("rm -rf '" .. directory .. "'")
end

return certs
