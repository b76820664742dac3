# Crates, into cargo's home. Runs in the folder of the manifests; a package without a target is none to cargo.
mkdir -p /opt/build/rust /opt/modules/cargo
if [ -f Cargo.toml ]; then
  mkdir -p src
  touch src/lib.rs
  CARGO_HOME=/opt/modules/cargo cargo fetch
fi
chown -R 1000:1000 /opt/build /opt/modules
