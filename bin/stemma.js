#!/usr/bin/env node
// Plain JavaScript of every Node's kind: its whole work is to say in one line when Node is too old for the rest.
var major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write("stemma: needs Node 24 or newer, this is " + process.versions.node + " (" + process.execPath + "); get one from https://nodejs.org or with your version manager\n");
  process.exitCode = 64;
} else {
  // Compiled code is kept where the user keeps caches: to compile it anew takes 100 ms. Who wants none sets NODE_DISABLE_COMPILE_CACHE.
  var cache = process.env.XDG_CACHE_HOME || process.getBuiltinModule("os").homedir() + "/.cache";
  process.getBuiltinModule("module").enableCompileCache(process.env.NODE_COMPILE_CACHE || cache + "/stemma/compiled");
  import(process.argv[2] === "build" ? "../dist/cli/main-build.js" : "../dist/cli/main.js").then(function (cli) {
    return cli.main();
  });
}
