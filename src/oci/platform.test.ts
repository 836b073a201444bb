import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { conformance } from "../testing/conformance.ts";
import { bestPlatformMatch, exactPlatform, matchesPlatform, runnablePlatforms } from "./platform-match.ts";
import { formatAllPlatform, formatPlatform, InvalidPlatformError, normalizePlatform, parsePlatform, type Platform } from "./platform.ts";

const HOST: Platform = { os: "linux", architecture: "amd64" };

const parse = (text: string): Platform => parsePlatform(text, HOST);

interface OracleCase {
  readonly input: string;
  readonly error?: string;
  readonly parsed?: Platform;
}

interface GoPlatform {
  readonly Architecture: string;
  readonly OS: string;
  readonly OSVersion: string;
  readonly OSFeatures?: readonly string[];
  readonly Variant: string;
}

interface Row {
  readonly platform: string;
  readonly matches: { readonly true: readonly string[]; readonly false: readonly string[] } & readonly GoPlatform[];
  readonly platforms: readonly string[];
  readonly expected: unknown;
  readonly input: string;
  readonly skip: boolean;
  readonly useV2Format: boolean;
  readonly formatted: string;
  readonly hostPlatform: GoPlatform;
  readonly testPlatform: GoPlatform;
  readonly match: boolean;
  readonly hostOS: number;
  readonly ctrOS: number;
  readonly shouldRun: boolean;
}

function fromGo(go: GoPlatform): Platform {
  return {
    os: go.OS,
    architecture: go.Architecture,
    ...(go.OSVersion === "" ? {} : { "os.version": go.OSVersion }),
    ...(go.OSFeatures === undefined ? {} : { "os.features": go.OSFeatures }),
    ...(go.Variant === "" ? {} : { variant: go.Variant }),
  };
}

function describeAll(input: string): object {
  try {
    const parsed = parse(input);
    const normalized = normalizePlatform(parsed);
    return {
      format: formatPlatform(parsed), formatAll: formatAllPlatform(parsed), input,
      normFormat: formatPlatform(normalized), normFormatAll: formatAllPlatform(normalized), normalized, parsed,
    };
  } catch (error) {
    assert.ok(error instanceof InvalidPlatformError);
    return { error: error.message, input };
  }
}

describe("platforms of the conformance data", () => {
  const oracle = conformance<{ readonly cases: readonly OracleCase[] }>("vectors/platforms_oracle.json");
  test("every platform parses, is refused and is written as by containerd", { skip: oracle.skip }, () => {
    for (const wanted of oracle.read().cases) assert.deepEqual(describeAll(wanted.input), wanted);
  });

  const tables = conformance<{ readonly tables: ReadonlyArray<{ readonly func: string; readonly table: readonly Row[] }> }>("vectors/tbl_containerd_platforms.json");
  const rows = (name: string): readonly Row[] => tables.read().tables.find(({ func }) => func === name)?.table ?? assert.fail(`no table ${name}`);

  test("a machine runs the platforms that containerd lets it run, and no others", { skip: tables.skip }, () => {
    for (const [name, matcherOf] of [["TestOnly", runnablePlatforms], ["TestOnlyStrict", exactPlatform]] as const) {
      for (const row of rows(name)) {
        const matcher = matcherOf(parse(row.platform));
        for (const candidate of row.matches.true) assert.ok(matcher.matches(parse(candidate)), `${name}: ${row.platform} ${candidate}`);
        for (const candidate of row.matches.false) assert.ok(!matcher.matches(parse(candidate)), `${name}: ${row.platform} not ${candidate}`);
      }
    }
  });

  test("platforms sort with the best first", { skip: tables.skip }, () => {
    for (const row of rows("TestCompareOSFeatures")) {
      for (const matcher of [runnablePlatforms(parse(row.platform)), exactPlatform(parse(row.platform))]) {
        assert.deepEqual(row.platforms.map(parse).toSorted((a, b) => matcher.compare(a, b)).map(formatAllPlatform), row.expected);
      }
    }
  });

  test("Windows hosts run the builds that Microsoft supports on them", { skip: tables.skip }, () => {
    for (const row of rows("TestMatchComparerMatch_ABICheckWCOW")) assert.equal(exactPlatform(fromGo(row.hostPlatform)).matches(fromGo(row.testPlatform)), row.match);
    for (const row of rows("Test_PlatformCompat")) {
      const [host, image] = [row.hostOS, row.ctrOS].map((build) => parse(`windows(10.0.${build})/amd64`));
      assert.equal(matchesPlatform(host ?? HOST, image ?? HOST), row.shouldRun, `${row.hostOS} ${row.ctrOS}`);
    }
  });

  test("selectors match their aliases and survive being written and read", { skip: tables.skip }, () => {
    for (const row of rows("TestParseSelector")) {
      if (row.skip) continue;
      const platform = parse(row.input);
      const format = row.useV2Format ? formatAllPlatform : formatPlatform;
      assert.deepEqual(platform, fromGo(row.expected as GoPlatform));
      assert.equal(format(platform), row.formatted);
      assert.equal(format(parse(row.formatted)), row.formatted);
      for (const alias of row.matches ?? []) assert.ok(exactPlatform(platform).matches(fromGo(alias)), row.input);
    }
    for (const row of rows("TestParseSelectorInvalid")) assert.throws(() => parse(row.input), InvalidPlatformError);
    // The one table whose platforms are structures.
    for (const row of rows("TestFormatAllEncoding")) assert.equal(formatAllPlatform(fromGo(row.platform as unknown as GoPlatform)), row.expected);
  });
});

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
