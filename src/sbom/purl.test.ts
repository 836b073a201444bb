import assert from "node:assert/strict";
import { test } from "node:test";
import { purlOf, type PurlParts } from "./purl.ts";

test("writes the package-url of each type as purl-spec has it", () => {
  check({ type: "deb", namespace: "Debian", name: "Curl", version: "7.50.3-1", qualifiers: { distro: "jessie", arch: "i386" } }, "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie");
  check({ type: "apk", namespace: "alpine", name: "curl", version: "7.83.0-r0", qualifiers: { arch: "x86" } }, "pkg:apk/alpine/curl@7.83.0-r0?arch=x86");
  check({ type: "rpm", namespace: "Fedora", name: "ImageMagick", version: "6.9-1.fc25", qualifiers: { epoch: "1", arch: "i386" } }, "pkg:rpm/fedora/ImageMagick@6.9-1.fc25?arch=i386&epoch=1");
  check({ type: "npm", namespace: "@angular", name: "animation", version: "12.3.1" }, "pkg:npm/%40angular/animation@12.3.1");
  check({ type: "pypi", name: "Django_REST", version: "1.11.1" }, "pkg:pypi/django-rest@1.11.1");
  check({ type: "golang", namespace: "github.com/Gorilla", name: "Context", version: "v1.2", subpath: "/api//./v1/" }, "pkg:golang/github.com/gorilla/context@v1.2#api/v1");
  check({ type: "maven", namespace: "org.apache.xmlgraphics", name: "batik-anim", version: "1.9.1" }, "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1");
  check({ type: "cargo", name: "rand", version: "0.7.2" }, "pkg:cargo/rand@0.7.2");
  check({ type: "gem", name: "ruby-advisory-db-check", version: undefined }, "pkg:gem/ruby-advisory-db-check");
});

test("escapes what would be read as something else, and no colon", () => {
  check({ type: "deb", namespace: "debian", name: "libstdc++6", version: "1:12.2.0-14+deb12u1~x" }, "pkg:deb/debian/libstdc%2B%2B6@1:12.2.0-14%2Bdeb12u1~x");
  check({ type: "generic", name: "a b/ü?#@", version: "1/2", qualifiers: { url: "https://x.org/?a=b&c" } }, "pkg:generic/a%20b%2F%C3%BC%3F%23%40@1%2F2?url=https:%2F%2Fx.org%2F%3Fa%3Db%26c");
});

test("leaves out qualifiers without a value", () => {
  check({ type: "deb", namespace: undefined, name: "curl", version: "1", qualifiers: { arch: "", distro: "" } }, "pkg:deb/curl@1");
});

function check(parts: Partial<PurlParts> & Pick<PurlParts, "type" | "name">, purl: string): void {
  assert.equal(purlOf({ namespace: undefined, version: undefined, qualifiers: {}, ...parts }), purl);
}
