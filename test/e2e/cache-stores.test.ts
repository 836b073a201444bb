import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openMachines, type MachineBuilt, type Machines } from "./cache-place.ts";
import { AZURE_ACCOUNT, serverSkip, startAzure, startGha, startS3 } from "./cache-servers.ts";
import { runSkip } from "./workshop.ts";

const STEPS = "FROM base AS build\nCOPY app/ /app/\nRUN cat /app/a > /out\nFROM base\nCOPY --from=build /out /out\n";
const FILES = { "app/a": "one\n" };

let machines: Machines;
let count = 0;

before(async () => {
  machines = await openMachines();
});

after(async () => {
  await machines[Symbol.asyncDispose]();
});

async function build(options: { readonly cacheFrom?: readonly string[]; readonly cacheTo?: readonly string[]; readonly env?: Readonly<Record<string, string>> }, machine = `machine-${++count}`): Promise<MachineBuilt> {
  return await machines.build(machine, STEPS, { files: FILES, outputs: ["type=image,name=app"], ...options, env: { ...machines.workshop.env, ...options.env } });
}

/** What one machine wrote there, another one finds; and a third that writes it again sends nothing twice. */
async function goesAround(entry: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  const first = await build({ cacheTo: [`${entry},mode=max`], env });
  const second = await build({ cacheFrom: [entry], env });
  assert.deepEqual([second.worked, second.warnings], [[], []]);
  assert.equal(second.image, first.image);
  const third = await build({ cacheFrom: [entry], cacheTo: [`${entry},mode=max`], env });
  assert.deepEqual(third.worked, []);
  const written = third.events.filter((event) => event.kind === "step-progress" && event.id.startsWith("writing layer"));
  assert.deepEqual(written, []);
}

describe("a cache goes from machine to machine", { skip: runSkip }, () => {
  test("through GitHub's cache service of version 2, found by the job's environment", async () => {
    await using gha = await startGha();
    await goesAround("type=gha", { ACTIONS_CACHE_SERVICE_V2: "true", ACTIONS_RESULTS_URL: `http://${gha.host}/`, ACTIONS_RUNTIME_TOKEN: gha.token });
    assert.deepEqual(gha.keys().filter((key) => key.startsWith("index-")).map((key) => key.replace(/-[0-9a-f]{8}#/, "-SCOPE#")), ["index-buildkit-1-SCOPE#1", "index-buildkit-1-SCOPE#2"]);
    assert.ok(gha.keys().some((key) => /^buildkit-blob-1-sha256:[0-9a-f]{64}$/.test(key)));
  });

  test("through version 1, named in the flag", async () => {
    await using gha = await startGha();
    await goesAround(`type=gha,version=1,url=http://${gha.host}/,token=${gha.token},scope=other,timeout=1m`);
  });

  test("through S3", { skip: serverSkip("s3rver") }, async () => {
    await using s3 = await startS3();
    await goesAround(`type=s3,bucket=cache,region=us-east-1,endpoint_url=http://${s3.host},use_path_style=true,access_key_id=S3RVER,secret_access_key=S3RVER,prefix=p/,name=one;two,touch_refresh=1h`);
    const other = `type=s3,bucket=cache,region=us-east-1,endpoint_url=http://${s3.host},use_path_style=true,access_key_id=S3RVER,secret_access_key=S3RVER,prefix=p/,name=two`;
    assert.deepEqual((await build({ cacheFrom: [other] })).worked, []);
  });

  test("through Azure's blob storage", { skip: serverSkip("azurite-blob") }, async () => {
    await using azure = await startAzure();
    await goesAround(`type=azblob,account_url=http://${azure.host}/${AZURE_ACCOUNT.name},account_name=${AZURE_ACCOUNT.name},secret_access_key=${AZURE_ACCOUNT.key},prefix=p`);
  });
});

describe("a place that will not have us", { skip: runSkip }, () => {
  test("is left out where a build is no job on GitHub", async () => {
    const built = await build({ cacheFrom: ["type=gha"], cacheTo: ["type=gha,mode=max"] });
    assert.deepEqual([built.warnings, built.worked.length], [[], 3]);
  });

  test("is told of without its secrets, and fails a build that writes there", { skip: serverSkip("s3rver") }, async () => {
    await using s3 = await startS3();
    const entry = `type=s3,bucket=cache,region=us-east-1,endpoint_url=http://${s3.host},use_path_style=true,access_key_id=nobody,secret_access_key=wrong-secret,retry_max_attempts=1`;
    const built = await build({ cacheFrom: [entry] });
    assert.match(built.warnings.join("\n"), /WARNING: failed to configure s3 cache importer: s3:\/\/cache: InvalidAccessKeyId/);
    assert.doesNotMatch(built.warnings.join("\n"), /wrong-secret/);
    await assert.rejects(build({ cacheTo: [entry] }), /s3:\/\/cache: status 403/);
    assert.match((await build({ cacheTo: [`${entry},ignore-error=true`] })).warnings.join("\n"), /is ignored as asked/);
  });

  test("is refused with what is missing, and without what is secret", async () => {
    await assert.rejects(build({ cacheTo: ["type=s3,region=x"] }), /bucket \(\$AWS_BUCKET\) not set for s3 cache/);
    await assert.rejects(build({ cacheTo: ["type=s3,bucket=b"] }), /region \(\$AWS_REGION\) not set for s3 cache/);
    await assert.rejects(build({ cacheTo: ["type=azblob"] }), /account_url attribute is required for azblob cache/);
    await assert.rejects(build({ cacheTo: ["type=s3,bucket=b,region=x,secret_access_key=hush,touch_refresh=soon"] }), (error: Error) => /touch_refresh=soon is no duration/.test(error.message) && !error.message.includes("hush"));
    await assert.rejects(build({ cacheTo: ["type=floppy"] }), /unknown type "floppy"/);
  });
});
