import assert from "node:assert/strict";
import { test } from "node:test";
import { lookAlikes } from "../testing/look-alikes.ts";
import { Scrubber } from "./scrubber.ts";

const SEED = Number(process.env["SEED"] ?? process.hrtime.bigint() % 1_000_000n);
const ROUNDS = 300;

test("what only looks like a secret survives byte for byte", (t) => {
  t.diagnostic(`SEED=${SEED}`);
  for (let seed = SEED; seed < SEED + ROUNDS; seed++) {
    for (const [kind, text] of Object.entries(lookAlikes(seed))) {
      const scrubber = new Scrubber();
      assert.equal(scrubber.text(text, "x"), text, `${kind}, SEED=${seed}`);
      assert.equal(scrubber.dockerfile(text, "Dockerfile"), text, `${kind} in a Dockerfile, SEED=${seed}`);
      assert.deepEqual(scrubber.redactions, []);
    }
  }
});

test("what a program says of a file is none, whatever the file's name", () => {
  for (const text of ["rm: can't remove '/etc/passwd': Permission denied", "cat: can't open 'secret': No such file or directory", 'open "/run/secrets/token": Operation not permitted', "stat: 'api_key': Is a directory"]) assert.equal(new Scrubber().text(text, "x"), text);
  assert.equal(new Scrubber().text('{"db_password": 123456, \'token\': hunter2}', "x"), '{"db_password": xxxxx, \'token\': xxxxx}');
});

test("a digest that has a secret's name by chance is none, with what stands behind it", () => {
  const text = '      "integrity": "sha1-yhz9+jt3PwdKWtjFSBvR8jgbGnU=",';
  assert.equal(new Scrubber().text(text, "x"), text);
});

test("keys and certificates of the public that hold what could be a token are none", () => {
  for (const text of [
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQPwBdbb1byy0Poks7RN5mEBLaVKsRWn+wSQrgsyGRZ1ao8/fhPYCkH8iT5rUcyb88AmQ50UtiMTeWmoeeQW90y3ZJ/XdWpRUhr6yqnEBYJTXUwxdSxRouQRC2VZjuXGfWrCNK7HeX/UjFxOzlzx7FvOHV+3k/CsyhGxgf/AIQG+ssT+ACRgMqs2GO/zDqOSzgdGFDG8JWJItkdPEAYEy8sZ2Tyg4bxS4nZOb38Ja8SII+Upez7x7X2lQi2UXBAFz9 bravo",
    'ENV DEPLOY_KEY="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIW0lM1l+Ttx0s2WQpqK8c7SM8hT+YGkzAzSeWXpeZKRb golf@host"',
    "-----BEGIN PUBLIC KEY-----\nxHSqYKjd5erTOZJhk3guxiHm3E8TTe2+0YTIxFUbJgkRQQ+79JDSePpACDbV/HNI\nk4oKOT9YxbOX1A3DqM/ecFY6gLn1/IaZ\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\nf7O2cIdMVtM+P0iKVnTjjUmlzN+EhSSiEfws2nKvDLKk+slK/UUeTaUu16gzjxFt\n1//0mBpQethNHIAqVk5lBPsQBzYNxV8wdE1lpyfENbvoFzXAFlRxg8/obJ3EG4ep\n-----END CERTIFICATE-----",
  ]) assert.equal(new Scrubber().text(text, "x"), text);
});

test("nothing is learnt of what only looks like a secret", () => {
  const text = Object.values(lookAlikes(SEED)).join("\n");
  const scrubber = new Scrubber();
  scrubber.learnDockerfile(text);
  assert.equal(scrubber.dockerfile(text, "Dockerfile"), text);
});
