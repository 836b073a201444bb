import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { openWorkshop, runSkip, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

const LIMIT = { timeout: 240_000 };

interface Statement {
  readonly predicateType: string;
  readonly subject: ReadonlyArray<{ readonly name: string; readonly digest: Readonly<Record<string, string>> }>;
  readonly predicate: Spdx & { readonly components?: ReadonlyArray<{ readonly purl?: string }> };
}

interface Spdx {
  readonly spdxVersion?: string;
  readonly name?: string;
  readonly creationInfo?: { readonly created: string; readonly creators: readonly string[] };
  readonly packages?: ReadonlyArray<{ readonly name: string; readonly versionInfo?: string; readonly comment?: string; readonly externalRefs?: ReadonlyArray<{ readonly referenceLocator: string }> }>;
  readonly files?: ReadonlyArray<{ readonly fileName: string; readonly comment?: string }>;
}

const DPKG = "Package: hello\nStatus: install ok installed\nVersion: 2.10-3\nArchitecture: amd64\nMaintainer: Nobody <nobody@example.com>\nDescription: test\n\n";
const NODE_PACKAGE = JSON.stringify({ name: "left-pad", version: "1.3.0", license: "WTFPL" });

let workshop: Workshop;
before(async () => {
  if (runSkip === false) workshop = await openWorkshop();
});
after(async () => {
  if (runSkip === false) await workshop[Symbol.asyncDispose]();
});

const files = { status: DPKG, "hello.list": "/.\n/usr\n/usr/bin\n/usr/bin/hello\n", hello: "#!/bin/sh\n", "os-release": 'ID=debian\nVERSION_ID="12"\n', "package.json": NODE_PACKAGE };
const DOCKERFILE = [
  "FROM base AS tools",
  "COPY package.json /tools/node_modules/left-pad/package.json",
  "FROM base",
  "COPY os-release /etc/os-release",
  "COPY status /var/lib/dpkg/status",
  "COPY hello.list /var/lib/dpkg/info/hello.list",
  "COPY hello /usr/bin/hello",
  "COPY --from=tools /tools /tools",
  "",
].join("\n");

async function layout(options: WorkshopBuild, dockerfile = DOCKERFILE): Promise<{ readonly built: Built; readonly image: Image }> {
  const path = join(workshop.path, `layout-${readdirSync(workshop.path).length}`);
  const built = await workshop.build(dockerfile, { files, ...options, outputs: [`type=oci,tar=false,dest=${path},name=example.com/sbom:1`] });
  return { built, image: openImage(path) };
}

describe("an SBOM", { skip: runSkip }, () => {
  test("in SPDX names packages with the layer, the step and the lines that brought them, before the provenance", LIMIT, async () => {
    const { image } = await layout({ sbom: "true", provenance: "mode=max" });
    assert.deepEqual(image.statements.map(({ predicateType }) => predicateType), ["https://spdx.dev/Document", "https://slsa.dev/provenance/v1"]);
    const [sbom] = image.statements;
    assert.deepEqual(sbom?.subject, [{ name: "pkg:docker/example.com/sbom@1?platform=linux%2Famd64", digest: { sha256: image.manifest.slice("sha256:".length) } }]);
    const { packages = [], files: listed = [], spdxVersion } = sbom?.predicate ?? {};
    assert.equal(spdxVersion, "SPDX-2.3");
    const hello = packages.find(({ name }) => name === "hello");
    assert.equal(hello?.externalRefs?.[0]?.referenceLocator, "pkg:deb/debian/hello@2.10-3?arch=amd64&distro=debian-12");
    const program = listed.find(({ fileName }) => fileName.replace(/^\.?\//, "") === "usr/bin/hello");
    const layer = /^layerID: (sha256:[0-9a-f]{64})$/m.exec(program?.comment ?? "")?.[1];
    assert.equal(layer, image.layers.at(-2));
    assert.match(program?.comment ?? "", /Dockerfile:7/);
    assert.match(program?.comment ?? "", /step\d+/);
    const base = listed.find(({ fileName }) => fileName.endsWith("bin/busybox"));
    assert.match(base?.comment ?? "", new RegExp(`layerID: ${image.layers[0] ?? ""}`));
    assert.match(base?.comment ?? "", /step: step0/);
  });

  test("names packages of languages as it names those of systems, in a layer that another stage made", LIMIT, async () => {
    const { image } = await layout({ sbom: "true" });
    const { packages = [] } = image.statements[0]?.predicate ?? {};
    const leftPad = packages.find(({ name }) => name === "left-pad");
    assert.equal(leftPad?.externalRefs?.[0]?.referenceLocator, "pkg:npm/left-pad@1.3.0");
    assert.match(leftPad.comment ?? "", new RegExp(`^layerID: ${image.layers.at(-1)}$`, "m"));
    assert.match(leftPad.comment ?? "", /Dockerfile:8/);
  });

  test("of equal results is equal, and so is the index that holds it", LIMIT, async () => {
    const first = await layout({ sbom: "format=spdx+cyclonedx", provenance: "mode=min" });
    const second = await layout({ sbom: "format=spdx+cyclonedx", provenance: "mode=min" });
    assert.equal(second.built.outcome.image?.digest, first.built.outcome.image?.digest);
    assert.deepEqual(first.image.statements.map(({ predicateType }) => predicateType).slice(0, 2), ["https://spdx.dev/Document", "https://cyclonedx.org/bom"]);
    assert.ok(first.image.statements[1]?.predicate.components?.some(({ purl }) => purl?.startsWith("pkg:deb/debian/hello@")));
  });

  test("of stages and of the context is made where it is asked for, without an ARG in the Dockerfile", LIMIT, async () => {
    const { image } = await layout({ sbom: "true", provenance: "false", buildArgs: { BUILDKIT_SBOM_SCAN_STAGE: "tools", BUILDKIT_SBOM_SCAN_CONTEXT: "true" } });
    assert.equal(image.statements.length, 3);
    assert.ok(image.statements.every(({ predicateType }) => predicateType === "https://spdx.dev/Document"));
    const declared = await layout({ sbom: "true", provenance: "false" }, `ARG BUILDKIT_SBOM_SCAN_STAGE=true\n${DOCKERFILE}`);
    assert.equal(declared.image.statements.length, 2);
    assert.equal((await layout({ sbom: "true", provenance: "false" })).image.statements.length, 1);
  });

  test("of a directory lies beside its files, and no provenance that is for images alone", LIMIT, async () => {
    const out = join(workshop.path, "local");
    await workshop.build(DOCKERFILE, { files, sbom: "format=cyclonedx+spdx", buildArgs: { BUILDKIT_SBOM_SCAN_STAGE: "true" }, outputs: [`type=local,dest=${out}`] });
    const names = readdirSync(out).filter((name) => name.endsWith(".json")).toSorted();
    assert.deepEqual(names, ["sbom-tools.cdx.json", "sbom-tools.spdx.json", "sbom.cdx.json", "sbom.spdx.json"]);
    const statement = JSON.parse(readFileSync(join(out, "sbom.spdx.json"), "utf8")) as Statement;
    assert.ok(statement.subject.some(({ name }) => name === "usr/bin/hello"));
  });

});

describe("an SBOM by others", { skip: runSkip }, () => {
  test("is made by a scanner that is an image, which is a material", LIMIT, async () => {
    const scanner = join(workshop.path, "scanner");
    const document = (name: string): string => JSON.stringify({ _type: "https://in-toto.io/Statement/v0.1", predicateType: "https://spdx.dev/Document", predicate: { spdxVersion: "SPDX-2.3", name, creationInfo: { created: "2023-11-14T22:13:20Z", creators: ["Tool: own"] }, files: [{ fileName: "/usr/bin/hello", SPDXID: "SPDXRef-f" }] } });
    const script = [
      "#!/bin/sh", "set -e", "env | grep BUILDKIT_SCAN | sort", "test -f $BUILDKIT_SCAN_SOURCE/usr/bin/hello", "touch $BUILDKIT_SCAN_SOURCE/x 2>/dev/null && exit 9", "ls $BUILDKIT_SCAN_SOURCE_EXTRAS", "touch /tmp/writable",
      `printf '%s' '${document("core")}' > $BUILDKIT_SCAN_DESTINATION/sbom.spdx.json`, `printf '%s' '${document("extra")}' > $BUILDKIT_SCAN_DESTINATION/another.spdx.json`, "",
    ].join("\n");
    await workshop.build("FROM base\nCOPY scan.sh /scan.sh\nENTRYPOINT [\"/bin/sh\"]\nCMD [\"/scan.sh\"]\n", { files: { "scan.sh": script }, provenance: "false", outputs: [`type=oci,tar=false,dest=${scanner},name=scanner:latest`] });
    const { built, image } = await layout({ attest: ["type=sbom,generator=example.com/scanner:1,DEPTH=3"], provenance: "mode=max", buildArgs: { BUILDKIT_SBOM_SCAN_STAGE: "tools" }, buildContexts: { "example.com/scanner:1": `oci-layout://${scanner}` } });
    assert.match(built.output, /BUILDKIT_SCAN_DEPTH=3\nBUILDKIT_SCAN_DESTINATION=\/run\/out\/\nBUILDKIT_SCAN_SOURCE=\/run\/src\/core\/sbom\nBUILDKIT_SCAN_SOURCE_EXTRAS=\/run\/src\/extras\nBUILDKIT_SCAN_type=sbom\nsbom-tools/);
    const [core, extra, provenance] = image.statements;
    assert.deepEqual([core?.predicate.name, extra?.predicate.name], ["core", "extra"]);
    assert.match(core?.predicate.files?.[0]?.comment ?? "", /^layerID: sha256:/);
    assert.deepEqual(core?.predicate.creationInfo?.creators.length, 2);
    assert.equal(extra?.predicate.files?.[0]?.comment, undefined);
    assert.match(JSON.stringify(provenance), /pkg:(?:docker|oci)\/example\.com\/scanner/);
  });

  test("that cannot be made fails the build, and says what to change", LIMIT, async () => {
    await assert.rejects(layout({ sbom: "format=swid" }), /invalid sbom format "swid": use spdx, cyclonedx or spdx\+cyclonedx/);
    await assert.rejects(layout({ sbom: "generator=127.0.0.1:1/no/scanner:1" }), /127\.0\.0\.1:1\/no\/scanner:1/);
  });
});

interface Image {
  readonly manifest: string;
  /** Digests, from the base up. */
  readonly layers: readonly string[];
  readonly statements: readonly Statement[];
}

function openImage(path: string): Image {
  const read = (digest: string): any => JSON.parse(readFileSync(join(path, "blobs", digest.replace(":", "/")), "utf8"));
  const root = JSON.parse(readFileSync(join(path, "index.json"), "utf8")).manifests[0];
  const index = root.mediaType.includes("index") ? read(root.digest) : { manifests: [root] };
  const [image, attestation] = index.manifests;
  return {
    manifest: image.digest,
    layers: read(image.digest).layers.map((layer: { digest: string }) => layer.digest),
    statements: attestation === undefined ? [] : read(attestation.digest).layers.map((layer: { digest: string }) => read(layer.digest)),
  };
}
