import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeCertificates, opensslSkip, type Certificates } from "../../src/testing/certificates.ts";
import { openWorkshop, runSkip, type Built, type Workshop, type WorkshopBuild } from "./workshop.ts";

const CURL = "/usr/bin/curl";
const curlSkip: string | false = runSkip !== false ? runSkip : !existsSync(CURL) ? "curl is not installed" : opensslSkip;

interface Predicate {
  readonly buildDefinition: { readonly resolvedDependencies?: ReadonlyArray<{ readonly uri: string; readonly digest: Readonly<Record<string, string>> }> };
  readonly runDetails: { readonly metadata: Readonly<Record<string, unknown>> & { readonly buildkit_metadata: Readonly<Record<string, unknown>> } };
}

let workshop: Workshop;
let server: Server;
let tls: Server;
let certificates: Certificates | undefined;
/** As a step asks for it. */
let http: string;
let https: string;
let outputs = 0;

/** What the servers were asked for. */
const paths: string[] = [];

const answer: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url ?? "", "http://host");
  paths.push(pathname);
  if (pathname === "/moved") return void response.writeHead(302, { location: "/file" }).end();
  if (pathname === "/cut") return void response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy());
  if (pathname === "/gone") return void response.writeHead(404).end("gone\n");
  if (pathname === "/headers") return void response.end(JSON.stringify(request.headers));
  if (request.method === "POST") return void request.pipe(response);
  response.end(`content of ${pathname}\n`);
};

before(async () => {
  workshop = await openWorkshop();
  server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (curlSkip !== false) return;
  certificates = await makeCertificates();
  tls = createTlsServer(certificates.server, answer).listen(0, "127.0.0.1");
  await once(tls, "listening");
  https = `https://localhost:${(tls.address() as AddressInfo).port}`;
});

after(async () => {
  server.close();
  tls?.close();
  await certificates?.[Symbol.asyncDispose]();
  await workshop[Symbol.asyncDispose]();
});

async function recorded(dockerfile: string, options: WorkshopBuild = {}): Promise<Built & { readonly predicate: Predicate }> {
  const out = join(workshop.path, `out-${outputs++}`);
  const built = await workshop.build(dockerfile, { proxyNetwork: true, provenance: "mode=max", ...options, outputs: [`type=local,dest=${out}`] });
  // Our own record; a test that meets another form fails.
  const { predicate } = JSON.parse(await readFile(join(out, "provenance.json"), "utf8")) as { readonly predicate: Predicate };
  return { ...built, predicate };
}

function fileAt(url: string, content: string): { readonly uri: string; readonly digest: { readonly sha256: string } } {
  return { uri: url, digest: { sha256: createHash("sha256").update(content).digest("hex") } };
}

/** But for the base. */
function fetched({ buildDefinition: { resolvedDependencies = [] } }: Predicate): Predicate["buildDefinition"]["resolvedDependencies"] {
  return resolvedDependencies.filter(({ uri }) => uri.startsWith("http"));
}

describe("--proxy-network", { skip: runSkip }, () => {
  test("what a RUN fetches is in its result, in its output, and by its digest in the record", async () => {
    const { predicate, output } = await recorded(`FROM base\nRUN wget -q -O /file ${http}/file && wget -q -O- ${http}/moved && cat /file\n`);
    assert.equal(output, `content of /file\ncontent of /file\nproxy network requests:\n- GET ${http}/file -> 200\n- GET ${http}/moved -> 302\n- GET ${http}/file -> 200\n`);
    assert.deepEqual(fetched(predicate), [fileAt(`${http}/file`, "content of /file\n"), fileAt(`${http}/moved`, "content of /file\n")]);
    const { metadata } = predicate.runDetails;
    assert.deepEqual(metadata.buildkit_metadata["network"], { mode: "proxy" });
    assert.deepEqual([metadata["stemma_network"], metadata["stemma_hermetic"], metadata["buildkit_hermetic"]], [["proxy"], { verified: true, check: "inputs" }, undefined]);
  });

  test("a step from the cache is told as when it ran; one that ran without the proxy is told as not captured", async () => {
    const dockerfile = `FROM base\nRUN wget -q -O /cached ${http}/cached\n`;
    const first = await recorded(dockerfile);
    const second = await recorded(dockerfile);
    assert.ok(second.cached.some((name) => name.includes("RUN wget")), second.cached.join("\n"));
    assert.deepEqual(fetched(second.predicate), fetched(first.predicate));
    const before = `FROM base\nRUN wget -q -O /before ${http}/before\n`;
    await workshop.build(before);
    const { predicate } = await recorded(before);
    const [incomplete, ...others] = (predicate.runDetails.metadata.buildkit_metadata["network"] as { proxy: { incomplete: ReadonlyArray<Readonly<Record<string, string>>> } }).proxy.incomplete;
    assert.deepEqual([incomplete?.["name"], incomplete?.["reason"], others], [`/bin/sh -c wget -q -O /before ${http}/before`, "not_captured", []]);
    assert.deepEqual(predicate.runDetails.metadata["stemma_hermetic"], { verified: false, check: "inputs", uncaptured: ["network"] });
  });

  test("what no digest can name makes the record incomplete, and says why", async () => {
    const post = `printf 'POST ${http}/post HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\nback' | nc 127.0.0.1 61080 | grep -o back`;
    const script = `${post}; wget -q -O- ${http}/gone; wget -q -O- ${http}/cut; wget -q -O- http://127.0.0.1:1/; true`;
    const { predicate, output } = await recorded(`FROM base\nRUN ${script}\n`);
    const { proxy } = predicate.runDetails.metadata.buildkit_metadata["network"] as { proxy: { incomplete: ReadonlyArray<Readonly<Record<string, string>>> } };
    assert.match(output, /^back/m);
    assert.deepEqual(proxy.incomplete.map(({ method, uri, reason }) => [method, uri, reason]), [
      ["GET", "http://127.0.0.1:1/", "upstream_error"], ["GET", `${http}/cut`, "body_read_failed"],
      ["GET", `${http}/gone`, "unsuccessful_response"], ["POST", `${http}/post`, "method_not_materializable"],
    ]);
  });

  test("a build that has to name all of its materials fails where it cannot, and says which", async () => {
    const failing = recorded(`FROM base\nRUN wget -q -O- ${http}/gone || true\n`, { provenance: "mode=max,complete-materials=true" });
    await assert.rejects(failing, (error: Error) => error.message.endsWith(`Uncaptured local sources:\n  - context\n    reason: local_source\n  - dockerfile\n    reason: local_source\n\nUncaptured requests:\n  - /bin/sh -c wget -q -O- ${http}/gone || true\n    method: GET\n    url: ${http}/gone\n    reason: unsuccessful_response`));
  });

});

describe("a RUN behind a proxy", { skip: runSkip }, () => {
  test("nothing gets out but by the proxy, in every sandbox", async () => {
    const { port } = new URL(http);
    for (const sandbox of ["runc", "crun", "namespaces"] as const) {
      const { output } = await recorded(`FROM base\nRUN exec 2>&1; (nc -w 2 127.0.0.1 ${port} </dev/null && echo out) || echo refused; http_proxy= wget -q -O- ${http}/file || echo refused; echo ${sandbox}\n`, { sandbox });
      assert.match(output, new RegExp(`^(?:.*\n)*?refused\n(?:.*\n)*?refused\n${sandbox}\n$`));
    }
  });

  test("RUN --network=none has no proxy, and a build without it is recorded as before", async () => {
    const { predicate, output } = await recorded("FROM base\nRUN --network=none env | grep -ci proxy || true\n");
    assert.equal(output, "0\n");
    assert.deepEqual([predicate.runDetails.metadata["stemma_network"], predicate.runDetails.metadata.buildkit_metadata["network"]], [["none"], undefined]);
  });

  test("a proxy that a build argument names is passed after ours, and stands nowhere in the step", async () => {
    const seen: string[] = [];
    const upstream = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers["proxy-authorization"] ?? ""}`);
      response.end("by way of another\n");
    }).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const proxy = `http://user:word@127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    try {
      const { output } = await recorded("FROM base\nRUN wget -q -O- http://files.example/x; env | grep -ci word\n", { buildArgs: { HTTP_PROXY: proxy } }).catch((error: Error) => ({ output: error.message }));
      assert.match(output, /exit code: 1|did not complete/);
      assert.deepEqual(seen, [`http://files.example/x Basic ${Buffer.from("user:word").toString("base64")}`]);
    } finally {
      upstream.close();
    }
  });

  test("a policy is asked about each request, and what it denies is answered 403 and asked of nobody", async () => {
    const rego = `package docker

default allow := true
default deny_msg := []
default caps := {}
caps := {"exec.proxy": true} if input.env.capsRequest
allow := false if input.http.url == "${http}/other"
deny_msg := ["files only"] if input.http.url == "${http}/other"
decision := {"allow": allow, "deny_msg": deny_msg, "caps": caps}
`;
    const asked = paths.length;
    const { output, predicate } = await recorded(`FROM base\nRUN wget -q -O- ${http}/file; wget -O- ${http}/other 2>&1 | grep -o 403 | head -n 1\n`, { proxyNetwork: false, files: { "policy.rego": rego }, policies: ["filename=policy.rego"] });
    assert.match(output, /^policy enabled network proxy$/m);
    assert.match(output, /^policy decision for source \S+\/other: DENY\n - files only$/m);
    assert.match(output, /^content of \/file\n(?:.*\n)*?403\nproxy network requests:\n- GET \S+\/file -> 200\n- GET \S+\/other -> 403$/m);
    assert.deepEqual(paths.slice(asked), ["/file"]);
    assert.deepEqual(fetched(predicate), [fileAt(`${http}/file`, "content of /file\n")]);
  });

  test("what only namespaces can hold is refused where there are none, before anything runs", async () => {
    await assert.rejects(recorded("FROM base\nRUN echo ran\n", { sandbox: "chroot" }), /a network of its own \(--proxy-network\), which the chroot sandbox cannot give/);
  });

  test("a step that fails tells what it asked for, too", async () => {
    await assert.rejects(recorded(`FROM base\nRUN wget -q -O- ${http}/gone\n`), (error: { readonly report?: string }) => /- GET \S+\/gone -> 404$/m.test(error.report ?? ""));
  });
});

describe("--proxy-network over TLS", { skip: curlSkip }, () => {
  /** curl and all that it loads, at their own places. */
  async function curlFiles(): Promise<Record<string, Uint8Array>> {
    return { [CURL.slice(1)]: await readFile(CURL), ...(await librariesOf(CURL)) };
  }

  async function librariesOf(program: string): Promise<Record<string, Uint8Array>> {
    const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
    const libraries = [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = ""]) => path);
    return Object.fromEntries(await Promise.all(libraries.map(async (path) => [path.slice(1), await readFile(path)] as const)));
  }

  test("a program that trusts the machine's authorities gets its file, and nothing of the authority stays", async () => {
    const files = { ...(await curlFiles()), "etc/ssl/certs/ca-certificates.crt": "# of the base\n" };
    const dockerfile = `FROM base AS tools\nCOPY --chmod=755 . /\nFROM tools\nRUN export NO_PROXY= no_proxy=; ${CURL} -sS -o /file ${https}/file && ${CURL} -sS ${https}/headers && grep -c 'BEGIN CERTIFICATE' /etc/ssl/certs/ca-certificates.crt\n`;
    // Whom the machine does not trust, the proxy does not trust for the step.
    const env = { ...workshop.env, SSL_CERT_FILE: certificates?.caPath ?? "" };
    const { output, predicate } = await recorded(dockerfile, { files, env });
    assert.match(output, /"host":"localhost:\d+".*\}1\nproxy network requests:\n- GET https:\/\/localhost:\d+\/file -> 200\n/);
    assert.doesNotMatch(output, /proxy-connection|accept-encoding/);
    assert.deepEqual(fetched(predicate)?.at(0), fileAt(`${https}/file`, "content of /file\n"));
    const { lines } = await workshop.tree(`${dockerfile.replace("FROM tools\nRUN", "FROM tools AS made\nRUN")}FROM scratch\nCOPY --from=made /etc/ssl /ssl\n`, { files, env, proxyNetwork: true });
    assert.ok(lines.some((line) => line.endsWith("ca-certificates.crt")), lines.join("\n"));
    const history = await workshop.tree(`${dockerfile.replace("FROM tools\nRUN", "FROM tools AS made\nRUN")}`, { files, env, proxyNetwork: true });
    assert.equal(history.text("etc/ssl/certs/ca-certificates.crt"), "# of the base\n");
  });

  test("programs with a list of their own trust the proxy too, in a base that has none as well, and whoever they run as", async () => {
    const node = { "usr/bin/node": await readFile(process.execPath), ...(await librariesOf(process.execPath)) };
    const ask = (path: string): string => `fetch("${https}${path}").then(async (response) => process.stdout.write(await response.text()))`;
    const step = `export NO_PROXY= no_proxy=; ${CURL} -sS ${https}/curl && /usr/bin/node -e '${ask("/node")}' && grep -c 'BEGIN CERTIFICATE' "$SSL_CERT_FILE"; echo >> "$SSL_CERT_FILE" || NODE_EXTRA_CA_CERTS= /usr/bin/node -e '${ask("/untrusted")}' || echo refused`;
    const dockerfile = `FROM base AS tools\nCOPY --chmod=755 . /\nFROM tools AS made\nENV GIT_SSL_CAINFO=own\nUSER 1234\nRUN exec 2>/dev/null; ${step}; echo $GIT_SSL_CAINFO\n`;
    const inputs = { files: { ...(await curlFiles()), ...node }, env: { ...workshop.env, SSL_CERT_FILE: certificates?.caPath ?? "" } };
    for (const sandbox of ["runc", "crun", "namespaces"] as const) {
      const { output, predicate } = await recorded(dockerfile, { ...inputs, sandbox, noCache: true });
      assert.match(output, /^content of \/curl\ncontent of \/node\n1\nrefused\nown\n/, sandbox);
      assert.deepEqual(fetched(predicate), [fileAt(`${https}/curl`, "content of /curl\n"), fileAt(`${https}/node`, "content of /node\n")]);
    }
    const trees = await Promise.all([true, false].map((proxyNetwork) => workshop.tree("FROM base\nRUN : > /made\n", { proxyNetwork, noCache: true })));
    assert.deepEqual(trees[0]?.lines, trees[1]?.lines, "nothing of it is in a layer");
  });

  test("a server that the machine does not trust is not trusted for a step, and a program that trusts nobody is told apart", async () => {
    const files = { ...(await curlFiles()), "etc/ssl/certs/ca-certificates.crt": "# of the base\n" };
    const { output } = await recorded(`FROM base\nCOPY --chmod=755 . /\nRUN export NO_PROXY= no_proxy=; ${CURL} -sS -o /dev/null -w '%{http_code}\\n' ${https}/file; ${CURL} -sS --capath /none --cacert /etc/passwd ${https}/file; true\n`, { files });
    assert.match(output, /^502\n/m);
    assert.match(output, /^- GET https:\/\/localhost:\d+\/file -> 502\n- CONNECT localhost:\d+: no TLS came about/m);
  });
});
