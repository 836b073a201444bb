#!/usr/bin/env node
// Plain JavaScript of every Node's kind: its whole work is to say in one line when Node is too old for the rest.
var major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write("stemma: needs Node 24 or newer, this is " + process.versions.node + " (" + process.execPath + "); get one from https://nodejs.org or with your version manager\n");
  process.exitCode = 64;
} else {
  import("../dist/cli/main.js").then(function (cli) {
    return cli.main();
  });
}
