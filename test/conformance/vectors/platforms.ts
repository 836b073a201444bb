import assert from "node:assert/strict";
import { exactPlatform, matchesPlatform, runnablePlatforms } from "../../../src/oci/platform-match.ts";
import { formatAllPlatform, formatPlatform, InvalidPlatformError, normalizePlatform, parsePlatform, type Platform } from "../../../src/oci/platform.ts";
import type { RowCheck, RowChecks } from "./row-check.ts";

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

const TABLES = "tbl_containerd_platforms.json#";

/** Platforms: how they are written, and which machine runs which. */
export const PLATFORM_CHECKS: RowChecks = {
  "platforms_oracle.json#cases": (wanted: OracleCase) => assert.deepEqual(describeAll(wanted.input), wanted),
  [`${TABLES}TestOnly`]: checkMatches(runnablePlatforms),
  [`${TABLES}TestOnlyStrict`]: checkMatches(exactPlatform),
  [`${TABLES}TestCompareOSFeatures`]: (row: Row) => {
    for (const matcher of [runnablePlatforms(parse(row.platform)), exactPlatform(parse(row.platform))]) {
      assert.deepEqual(row.platforms.map(parse).toSorted((a, b) => matcher.compare(a, b)).map(formatAllPlatform), row.expected);
    }
  },
  [`${TABLES}TestMatchComparerMatch_ABICheckWCOW`]: (row: Row) => assert.equal(exactPlatform(fromGo(row.hostPlatform)).matches(fromGo(row.testPlatform)), row.match),
  [`${TABLES}Test_PlatformCompat`]: (row: Row) => {
    const [host, image] = [row.hostOS, row.ctrOS].map((build) => parse(`windows(10.0.${build})/amd64`));
    assert.equal(matchesPlatform(host ?? HOST, image ?? HOST), row.shouldRun);
  },
  [`${TABLES}TestParseSelector`]: (row: Row) => {
    const platform = parse(row.input);
    const format = row.useV2Format ? formatAllPlatform : formatPlatform;
    assert.deepEqual(platform, fromGo(row.expected as GoPlatform));
    assert.equal(format(platform), row.formatted);
    assert.equal(format(parse(row.formatted)), row.formatted);
    for (const alias of row.matches ?? []) assert.ok(exactPlatform(platform).matches(fromGo(alias)));
  },
  [`${TABLES}TestParseSelectorInvalid`]: (row: Row) => assert.throws(() => parse(row.input), InvalidPlatformError),
  // The one table whose platforms are structures.
  [`${TABLES}TestFormatAllEncoding`]: (row: Row) => assert.equal(formatAllPlatform(fromGo(row.platform as unknown as GoPlatform)), row.expected),
};

function checkMatches(matcherOf: typeof exactPlatform): RowCheck {
  return ({ platform, matches }: Row) => {
    const matcher = matcherOf(parse(platform));
    for (const candidate of matches.true ?? []) assert.ok(matcher.matches(parse(candidate)), `${platform} takes ${candidate}`);
    for (const candidate of matches.false ?? []) assert.ok(!matcher.matches(parse(candidate)), `${platform} does not take ${candidate}`);
  };
}
