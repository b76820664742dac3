# Packages of npm, into /node_modules: Node.js looks there last, from everywhere. Runs in the folder of the manifests.
flags='--ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error'
# A newer Node.js than Debian's, by its major version, and an npm that it runs, are packages too.
if [ -f node ]; then
  machine=$(uname -m | sed 's/x86_64/x64/; s/aarch64/arm64/')
  npm install $flags --prefix /opt/node "node-linux-$machine@$(cat node)" npm@10
  ln -s "/opt/node/node_modules/node-linux-$machine/bin/node" /usr/local/bin/node
  for program in npm npx; do ln -s "/opt/node/node_modules/npm/bin/$program-cli.js" "/usr/local/bin/$program"; done
  hash -r
fi
if [ -f package.json ]; then
  # A lock file may be older than its package.json, and peers of long ago disagree.
  { [ -f package-lock.json ] && npm ci $flags; } || npm install $flags || npm install --legacy-peer-deps $flags
  if [ -d node_modules ]; then mv node_modules /node_modules; fi
  rm -rf /root/.npm
fi
mkdir -p /node_modules
chown -R 1000:1000 /node_modules
# Scripts that name ./node_modules find it.
[ -e "$WORKTREE/node_modules" ] || ln -s /node_modules "$WORKTREE/node_modules"
chown -h 1000:1000 "$WORKTREE/node_modules"
