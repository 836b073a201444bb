import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bestPlatformMatch, matchesPlatform, runnablePlatforms } from "./platform-match.ts";
import { parsePlatform, type Platform } from "./platform.ts";

const HOST: Platform = { os: "linux", architecture: "amd64" };

const parse = (text: string): Platform => parsePlatform(text, HOST);

describe("platforms", () => {
  test("the best match is an exact one, else the nearest that runs", () => {
    const wanted = runnablePlatforms(parse("linux/arm64"));
    const best = (...names: string[]): string | undefined => bestPlatformMatch(wanted, names, parse);
    assert.equal(best("linux/arm/v6", "linux/amd64", "linux/arm64", "linux/arm/v7"), "linux/arm64");
    assert.equal(best("linux/arm/v6", "linux/amd64", "linux/arm/v7"), "linux/arm/v7");
    assert.equal(best("linux/amd64", "windows/arm64"), undefined);
  });

  test("a variant that nobody knows serves itself", () => {
    assert.ok(matchesPlatform(parse("linux/arm64/v42"), parse("linux/arm64/v42")));
    assert.ok(!matchesPlatform(parse("linux/arm64/v42"), parse("linux/arm64")));
  });

  test("a wrong escape in a system's version is named", () => {
    assert.throws(() => parse("windows(1%zz)/amd64"), { message: '"windows(1%zz)/amd64" has an invalid OS version "1%zz": invalid URL escape "%zz"' });
  });
});
