import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectBytes } from "../content/bytes.ts";
import { digestOf } from "../content/digest.ts";
import { MEDIA_TYPE } from "../oci/media-type.ts";
import { startFakeRegistry, type FakeAuth, type FakeRegistry } from "../testing/fake-registry.ts";
import { makeCertificates, opensslSkip } from "../testing/certificates.ts";
import { credentialsOf, refuses, settingsFor, testClient } from "../testing/registry-fixture.ts";
import { CredentialError, type CredentialStore } from "./credential.ts";

const limit = (): AbortSignal => AbortSignal.timeout(20_000);
const BEARER: FakeAuth = { kind: "bearer", users: { me: "secret" }, identityTokens: ["refresh"], isPublic: (scope) => scope.startsWith("repository:public/") && scope.endsWith(":pull") };
const me = { kind: "basic", username: "me", password: "secret" } as const;
const upload = { descriptor: { digest: digestOf(Buffer.from("x")), size: 1 }, mountFrom: undefined, async *open() { yield Buffer.from("x"); } };

function tokenRequests(registry: FakeRegistry): readonly string[] {
  return registry.requests.filter(({ url }) => url.pathname === "/token").map(({ method, url }) => `${method} ${url.searchParams.getAll("scope").join(" ")}`);
}

function addImage(registry: FakeRegistry, repository: string): void {
  const config = { mediaType: MEDIA_TYPE.ociConfig, ...registry.addBlob(repository, Buffer.from("{}")) };
  registry.addManifest(repository, { schemaVersion: 2, mediaType: MEDIA_TYPE.ociManifest, config, layers: [] }, "1");
}

describe("who we are to a registry", () => {
  test("is nobody where that is enough, with one token for all that needs the same", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    addImage(registry, "public/a");
    await using client = testClient();

    const repository = client.repository({ domain: registry.host, path: "public/a" }, "pull");
    const found = await Promise.all([repository.resolve("1", limit()), repository.resolve("1", limit()), repository.tags(limit())]);
    assert.ok(found[0] !== undefined);
    assert.deepEqual(tokenRequests(registry), ["GET repository:public/a:pull"]);
    await repository.resolve("1", limit());
    assert.equal(registry.requests.at(-1)?.authorization?.startsWith("Bearer "), true, "later requests bring the token at once");
  });

  test("is shown by name and password, asking for all that a push needs at once", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    await using client = testClient({ credentials: credentialsOf(me) });

    const repository = client.repository({ domain: registry.host, path: "private/a" }, "push");
    assert.equal(await repository.hasBlob(upload.descriptor.digest, limit()), false);
    assert.equal(await repository.uploadBlob(upload, limit()), "uploaded");
    assert.deepEqual(tokenRequests(registry), ["GET repository:private/a:pull,push"]);
  });

  test("to mount, a token is for both repositories", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    const { digest } = registry.addBlob("private/base", Buffer.from("x"));
    await using client = testClient({ credentials: credentialsOf(me) });

    assert.equal(await client.repository({ domain: registry.host, path: "private/a" }, "push").mountBlob(digest, "private/base", limit()), true);
    assert.deepEqual(tokenRequests(registry), ["GET repository:private/a:pull,push repository:private/base:pull"]);
  });

  test("is shown by an identity token to the token service only", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    addImage(registry, "private/a");
    await using client = testClient({ credentials: credentialsOf({ kind: "identity", token: "refresh" }) });

    assert.ok(await client.repository({ domain: registry.host, path: "private/a" }, "pull").resolve("1", limit()));
    assert.deepEqual(tokenRequests(registry), ["POST "]);
    assert.ok(!JSON.stringify(registry.requests).includes("refresh"));
  });
});

describe("a token", () => {
  test("that has ended before its time is asked for again", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    addImage(registry, "private/a");
    await using client = testClient({ credentials: credentialsOf(me) });

    const repository = client.repository({ domain: registry.host, path: "private/a" }, "pull");
    assert.ok(await repository.resolve("1", limit()));
    registry.revokeTokens();
    assert.ok(await repository.resolve("1", limit()));
    assert.equal(tokenRequests(registry).length, 2);
  });

  test("is renewed when its time is over, before the registry says so", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    addImage(registry, "private/a");
    let nowMs = 0;
    const clock = { now: () => new Date(nowMs), nowNs: () => BigInt(nowMs) * 1_000_000n };
    await using client = testClient({ credentials: credentialsOf(me), clock });

    const repository = client.repository({ domain: registry.host, path: "private/a" }, "pull");
    await repository.resolve("1", limit());
    nowMs += 200_000;
    await repository.resolve("1", limit());
    assert.equal(tokenRequests(registry).length, 1);
    nowMs += 95_000;
    await repository.resolve("1", limit());
    assert.equal(tokenRequests(registry).length, 2);
    assert.equal(registry.requests.filter(({ authorization, url }) => authorization === undefined && url.pathname !== "/token").length, 1);
  });
});

describe("a token service that knows OAuth2 only", () => {
  for (const status of [404, 405]) {
    test(`and answers others with ${status} is asked by its own way, with the password`, async () => {
      await using registry = await startFakeRegistry();
      addImage(registry, "private/a");
      registry.intercept = async (request, response, url) => {
        if (url.pathname !== "/token") {
          if (request.headers.authorization === "Bearer t") return false;
          response.writeHead(401, { "www-authenticate": `Bearer realm="http://${registry.host}/token",service="s"` }).end();
        } else if (request.method === "GET") response.writeHead(status).end();
        else {
          const form = Object.fromEntries(new URLSearchParams((await collectBytes(request, 10_000)).toString("utf8")));
          assert.deepEqual(form, { grant_type: "password", username: "me", password: "secret", service: "s", client_id: "stemma", scope: "repository:private/a:pull" });
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ token: "", access_token: "t" }));
        }
        return true;
      };
      await using client = testClient({ credentials: credentialsOf(me) });

      assert.ok(await client.repository({ domain: registry.host, path: "private/a" }, "pull").resolve("1", limit()));
    });
  }
});

describe("credentials", () => {
  test("are shown with each request where the registry wants no tokens", async () => {
    await using registry = await startFakeRegistry({ auth: { kind: "basic", username: "me", password: "secret" } });
    await using client = testClient({ credentials: credentialsOf(me) });

    assert.equal(await client.repository({ domain: registry.host, path: "a" }, "push").uploadBlob(upload, limit()), "uploaded");
    assert.deepEqual(registry.requests.map(({ method, authorization }) => `${method} ${authorization !== undefined}`), ["POST false", "POST true", "PUT true"]);
  });

  test("never mix between two clients of one process", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    addImage(registry, "private/a");
    await using mine = testClient({ credentials: credentialsOf(me) });
    await using nobodys = testClient();

    const name = { domain: registry.host, path: "private/a" };
    assert.ok(await mine.repository(name, "pull").resolve("1", limit()));
    await assert.rejects(nobodys.repository(name, "pull").resolve("1", limit()), refuses("unauthorized"));
    assert.ok(await mine.repository(name, "pull").resolve("1", limit()));
  });
});

describe("a refused identity", () => {
  test("that is none: the message says where was looked, and how to log in", async () => {
    await using registry = await startFakeRegistry({ auth: BEARER });
    await using client = testClient({ credentials: { places: "/home/me/.docker/config.json", find: async () => undefined } });

    const resolved = client.repository({ domain: registry.host, path: "private/a" }, "pull").resolve("1", limit());
    await assert.rejects(resolved, refuses("unauthorized", `${registry.host}/private/a:1`, "asks for a login", "no credentials", "/home/me/.docker/config.json", `stemma login ${registry.host}`));
  });

  test("that is wrong: the message says who, and from where, and nothing of the secret", async () => {
    for (const auth of [BEARER, { kind: "basic", username: "me", password: "secret" }] as const) {
      await using registry = await startFakeRegistry({ auth });
      await using client = testClient({ credentials: credentialsOf({ ...me, password: "wrong-secret" }) });

      const pulled = client.repository({ domain: registry.host, path: "private/a" }, "pull").tags(limit());
      await assert.rejects(pulled, (error: Error) => {
        assert.ok(!error.message.includes("wrong-secret"));
        return refuses("unauthorized", 'user "me" (from the test\'s file)', "UNAUTHORIZED: fake")(error);
      });
      assert.ok(registry.requests.length <= 3, `${registry.requests.length} requests`);
    }
  });

  test("that may not: the message says what to give to whom", async () => {
    await using registry = await startFakeRegistry();
    registry.intercept = (_request, response) => {
      response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify({ errors: [{ code: "DENIED", message: "no write access" }] }));
      return true;
    };
    await using client = testClient({ credentials: credentialsOf(me) });

    const uploaded = client.repository({ domain: registry.host, path: "a" }, "push").uploadBlob(upload, limit());
    await assert.rejects(uploaded, refuses("denied", 'user "me"', "DENIED: no write access"));
    assert.equal(registry.requests.length, 1, "a refusal is not worth another try");
  });
});

describe("an identity", () => {
  test("that could not be read: we go on as nobody, and say so only where that is not enough", async () => {
    const broken: CredentialStore = {
      places: "x",
      find: () => Promise.reject(new CredentialError("docker-credential-desktop: not found")),
    };
    await using registry = await startFakeRegistry({ auth: BEARER });
    addImage(registry, "public/a");
    await using client = testClient({ credentials: broken });

    assert.ok(await client.repository({ domain: registry.host, path: "public/a" }, "pull").resolve("1", limit()));
    const refused = client.repository({ domain: registry.host, path: "private/a" }, "pull").resolve("1", limit());
    await assert.rejects(refused, refuses("unauthorized", "docker-credential-desktop: not found"));
  });

  test("is not sent to a token service without encryption, or to none", { skip: opensslSkip }, async () => {
    await using certificates = await makeCertificates();
    await using registry = await startFakeRegistry({ tls: certificates.server });
    const tls = { ca: [certificates.ca], keypairs: [], insecure: false };
    for (const [challenge, words] of [['realm="http://token.example/"', "not encrypted"], ['realm="nonsense://x"', "does not say where"], ['service="s"', "does not say where"]] as const) {
      registry.intercept = (_request, response) => {
        response.writeHead(401, { "www-authenticate": `Bearer ${challenge}` }).end();
        return true;
      };
      await using client = testClient({ credentials: credentialsOf(me), config: settingsFor({ [registry.host]: { http: false, tls } }) });

      await assert.rejects(client.repository({ domain: registry.host, path: "a" }, "pull").tags(limit()), refuses("protocol", words));
    }
  });
});
