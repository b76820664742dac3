# Modules of Go, into the module cache. Runs in the folder of the manifests. No version control is asked ("direct").
mkdir -p /opt/build/go /opt/modules/go
if [ -f go.mod ]; then
  export GOPROXY=${GOPROXY:-https://proxy.golang.org} GOMODCACHE=/opt/modules/go GOFLAGS='-mod=mod -modcacherw'
  go mod download
fi
chown -R 1000:1000 /opt/build /opt/modules
