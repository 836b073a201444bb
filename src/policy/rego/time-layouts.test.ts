import assert from "node:assert/strict";
import { test } from "node:test";
import { compileProgram } from "./program.ts";
import { evaluateRule } from "./rego.ts";
import { fromJson, regoText } from "./value.ts";

/** What the expression is for that `input.x`; undefined where it has no value. */
function value(expression: string, x: unknown = null): string | undefined {
  const program = compileProgram([{ file: "t.rego", text: `package t\np := ${expression}\n` }], { load: () => undefined, functions: new Map() });
  const found = evaluateRule(program, ["t", "p"], fromJson({ x }), { nowNs: 1_700_000_000_000_000_000n, print: () => undefined, onBuiltinError: () => undefined });
  return found === undefined ? undefined : regoText(found);
}

/** 2024-02-05 at four minutes past midnight, with 7.089 seconds. */
const NS = "1707091447089000000";
const format = (ns: string, zone: string, layout: string): string | undefined => value(`time.format([${ns}, ${JSON.stringify(zone)}, ${JSON.stringify(layout)}])`);
const parse = (layout: string, text: string): string | undefined => value("time.parse_ns(input.x[0], input.x[1])", [layout, text]);

// Each of these was compared with what Go's package time does.
test("a time is written in any layout of Go's reference time", () => {
  for (const [layout, text] of [
    ["2006-01-02 15:04:05", "2024-02-05 00:04:07"], ["06.1.2 15h4m5s", "24.2.5 00h4m7s"], ["January Jan Monday Mon", "February Feb Monday Mon"], ["_2|02|2|__2|002", " 5|05|5| 36|036"], ["3:04PM 03pm", "12:04AM 12am"],
    [".000|,000000|.999|.9|.00", ".089|,089000|.089||.08"], ["05.000Z", "07.089Z"], ["Z07 Z0700 Z07:00 Z070000 Z07:00:00", "Z Z Z Z Z"], ["-07 -0700 -07:00 -070000 -07:00:00 MST", "+00 +0000 +00:00 +000000 +00:00:00 UTC"],
    // What only looks like an element is text.
    ["Month Mons Janet 007 _2006 .0001 x", "Month Mons Janet 007 _2024 .0002 x"], ["no time", "no time"],
    ["ANSIC", "Mon Feb  5 00:04:07 2024"], ["UnixDate", "Mon Feb  5 00:04:07 UTC 2024"], ["RubyDate", "Mon Feb 05 00:04:07 +0000 2024"], ["RFC822", "05 Feb 24 00:04 UTC"], ["RFC822Z", "05 Feb 24 00:04 +0000"],
    ["RFC850", "Monday, 05-Feb-24 00:04:07 UTC"], ["RFC1123", "Mon, 05 Feb 2024 00:04:07 UTC"], ["RFC1123Z", "Mon, 05 Feb 2024 00:04:07 +0000"], ["RFC3339", "2024-02-05T00:04:07Z"], ["RFC3339Nano", "2024-02-05T00:04:07.089Z"], ["", "2024-02-05T00:04:07.089Z"],
  ] as const) assert.equal(format(NS, "", layout), JSON.stringify(text), layout);
  assert.deepEqual([format("-1", "UTC", "RFC3339Nano"), format("-9223372036854775808", "", "2006 002")], ['"1969-12-31T23:59:59.999999999Z"', '"1677 264"']);
  assert.equal(value(`time.format(${NS})`), '"2024-02-05T00:04:07.089Z"');
});

test("a time is looked at in the zone that it names, in summer and in winter", () => {
  const [winter, summer] = ["1704067200000000000", "1719792000000000000"];
  for (const [zone, inWinter, inSummer] of [
    ["Europe/Berlin", "Mon 01:00 +0100 CET", "Mon 02:00 +0200 CEST"], ["America/New_York", "Sun 19:00 -0500 EST", "Sun 20:00 -0400 EDT"], ["Asia/Kolkata", "Mon 05:30 +0530 IST", "Mon 05:30 +0530 IST"], ["Australia/Sydney", "Mon 11:00 +1100 AEDT", "Mon 10:00 +1000 AEST"],
    ["Europe/Dublin", "Mon 00:00 +0000 GMT", "Mon 01:00 +0100 IST"], ["America/Sao_Paulo", "Sun 21:00 -0300 -03", "Sun 21:00 -0300 -03"], ["Asia/Kathmandu", "Mon 05:45 +0545 +0545", "Mon 05:45 +0545 +0545"], ["Asia/Colombo", "Mon 05:30 +0530 +0530", "Mon 05:30 +0530 +0530"],
    ["Europe/Minsk", "Mon 03:00 +0300 +03", "Mon 03:00 +0300 +03"], ["Europe/Moscow", "Mon 03:00 +0300 MSK", "Mon 03:00 +0300 MSK"], ["US/Pacific", "Sun 16:00 -0800 PST", "Sun 17:00 -0700 PDT"], ["Etc/GMT+5", "Sun 19:00 -0500 -05", "Sun 19:00 -0500 -05"], ["Etc/UTC", "Mon 00:00 +0000 UTC", "Mon 00:00 +0000 UTC"], ["GMT", "Mon 00:00 +0000 GMT", "Mon 00:00 +0000 GMT"],
  ] as const) assert.deepEqual([winter, summer].map((ns) => format(ns, zone, "Mon 15:04 -0700 MST")), [JSON.stringify(inWinter), JSON.stringify(inSummer)], zone);
  assert.equal(format("-3786825600000000000", "Europe/Berlin", "15:04:05 -07:00:00 Z070000"), '"00:53:28 +00:53:28 +005328"');
  assert.equal(value(`[time.date([${winter}, "America/New_York"]), time.clock([${winter}, "Asia/Kolkata"]), time.weekday([${winter}, "America/New_York"])]`), '[[2023, 12, 31], [5, 30, 0], "Sunday"]');
  const here = new Date(1_719_792_000_000);
  assert.equal(value(`time.clock([${summer}, "Local"])`), `[${here.getHours()}, ${here.getMinutes()}, 0]`);
  for (const unknown of ["Europe/Nowhere", "+01:00", "europe/berlin", "EUROPE/BERLIN", "../UTC"]) assert.equal(format(winter, unknown, ""), undefined, unknown);
});

test("dates are added, and times compared, as the clocks of the zone go", () => {
  // 2024-03-30 at noon; in the night that follows, the clocks of Berlin go forward.
  const noon = "1711796400000000000";
  assert.equal(value(`[time.add_date(${noon}, 0, 0, 1) - ${noon}, time.add_date([${noon}, "Europe/Berlin"], 0, 0, 1) - ${noon}]`), "[86400000000000, 82800000000000]");
  // Half past two is left out that night, and comes twice in the night of 2024-10-27.
  assert.deepEqual([value('time.format([time.add_date([1711762200000000000, "Europe/Berlin"], 0, 0, 1), "Europe/Berlin"])'), value('time.format([time.add_date([1729902600000000000, "Europe/Berlin"], 0, 0, 1), "Europe/Berlin"])')], ['"2024-03-31T03:30:00+02:00"', '"2024-10-27T02:30:00+01:00"']);
  assert.equal(value('time.format(time.add_date(time.parse_rfc3339_ns("2024-02-29T00:00:00.000000001Z"), -1, 13, -30))'), '"2024-02-28T00:00:00.000000001Z"');
  assert.equal(value('time.diff([1711796400000000000, "Europe/Berlin"], 1711882800000000000)'), "[0, 0, 1, 1, 0, 0]");
  for (const [what, none] of [["before 1677", "time.add_date(0, -500, 0, 0)"], ["after 2262", "time.add_date(0, 500, 0, 0)"], ["nowhere", "time.add_date(0, 1e300, 0, 0)"], ["in the first century", "time.add_date(0, -1920, 0, 0)"], ["no whole number", "time.date(1.5)"], ["too big", "time.clock(9223372036854775808)"], ["nothing", "time.date([])"]] as const) assert.equal(value(none), undefined, what);
});

test("a text is read by any layout of Go's, and what is not of it has no value", () => {
  const at = (layout: string, text: string): string | undefined => value("time.format(time.parse_ns(input.x[0], input.x[1]))", [layout, text]);
  for (const [layout, text, time] of [
    ["2006-01-02", "2024-02-05", "2024-02-05T00:00:00Z"], ["02/01/2006 15:04", "05/02/2024 13:14", "2024-02-05T13:14:00Z"], ["Jan _2 2006 3:04PM", "feb  5 2024 1:14PM", "2024-02-05T13:14:00Z"], ["January 2, 2006 3pm", "FEBRUARY 5, 2024 12am", "2024-02-05T00:00:00Z"],
    ["2006-002", "2024-366", "2024-12-31T00:00:00Z"], ["2006 __2", "2023   7", "2023-01-07T00:00:00Z"], ["2006 002 Jan 2", "2024 060 Feb 29", "2024-02-29T00:00:00Z"], ["06", "68", "2068-01-01T00:00:00Z"], ["06", "69", "1969-01-01T00:00:00Z"], ["20060102150405", "20240205131407", "2024-02-05T13:14:07Z"],
    ["2006 15:04:05", "2024 13:14:07.25", "2024-01-01T13:14:07.25Z"], ["2006 15:04:05.000", "2024 13:14:07,250", "2024-01-01T13:14:07.25Z"], ["2006 15:04:05.999", "2024 13:14:07", "2024-01-01T13:14:07Z"], ["2006 5.9", "2024 7.1234567891", "2024-01-01T00:00:07.123456789Z"],
    ["2006-01-02T15:04:05Z07:00", "2024-02-05T00:30:00+05:30", "2024-02-04T19:00:00Z"], ["2006 -0700", "2024 -0130", "2024-01-01T01:30:00Z"], ["2006 -07", "2024 +01", "2023-12-31T23:00:00Z"], ["2006Z0700", "2024Z", "2024-01-01T00:00:00Z"], ["2006 -07:00:00", "2024 -00:53:28", "2024-01-01T00:53:28Z"], ["2006 Z070000", "2024 +010000", "2023-12-31T23:00:00Z"],
    // Letters of a zone say nothing to Go where that zone is not its own; to it, they are UTC.
    ["RFC1123", "Mon, 05 Feb 2024 13:14:07 CET", "2024-02-05T13:14:07Z"], ["2006 MST", "2024 GMT+3", "2024-01-01T00:00:00Z"], ["2006 MST", "2024 WITA", "2024-01-01T00:00:00Z"], ["RFC850", "Sunday, 05-Feb-24 13:14:07 UTC", "2024-02-05T13:14:07Z"], ["2006  01", "2024 02", "2024-02-01T00:00:00Z"], ["RFC3339", "2024-02-05T1:14:07Z", "2024-02-05T01:14:07Z"],
  ] as const) assert.equal(at(layout, text), JSON.stringify(time), `${layout}: ${text}`);
  for (const [layout, text] of [
    ["2006-01-02", "2024-2-05"], ["2006-01-02", "2024-02-30"], ["2006-01-02", "2024-13-01"], ["2006-01-02", "2024-02-05 "], ["2006-01-02", "2024-02"], ["2006-002", "2023-366"], ["2006 002 Jan", "2024 060 Mar"], ["2006 15", "2024 24"], ["2006 3", "2024 13"], ["2006 04", "2024 60"], ["2006 PM", "2024 pm"],
    ["2006 Mon", "2024 Day"], ["2006 -07", "2024 01"], ["2006 -07:00", "2024 +0100"], ["2006 Z070000", "2024 Z"], ["2006 -07", "2024 +25"], ["2006 MST", "2024 ABCDEFG"], ["2006 MST", "2024 ab"], ["2006 .000", "2024 .00"], ["2006 x", "2024 y"], ["15:04", "13:14"], ["2006", "1600"], ["2006", "2300"], ["RFC3339", "2024-02-05"], ["", "x"],
  ] as const) assert.equal(parse(layout, text), undefined, `${layout}: ${text}`);
});
