import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { copyImage, encodeImage } from "./docker-image.ts";
import { ImageConfigError, parseImage } from "./parse-docker-image.ts";

function rewritten(config: unknown): string {
  const { image, created } = parseImage(Buffer.from(JSON.stringify(config)));
  return Buffer.from(encodeImage(image, created)).toString();
}

describe("an image configuration", () => {
  test("is written in Go's order, without what nobody knows or what is empty", () => {
    assert.equal(
      rewritten({ container: "x", config: { Labels: { b: "2", a: "<1>" }, Env: [], User: "u" }, os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [] } }),
      String.raw`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"config":{"User":"u","Labels":{"a":"\u003c1\u003e","b":"2"}}}`,
    );
  });

  test("is read whatever the case of its members", () => {
    assert.equal(rewritten({ OS: "linux", Architecture: "arm", Variant: "v7", Config: { cmd: ["a"] } }), '{"architecture":"arm","os":"linux","variant":"v7","rootfs":{"type":"","diff_ids":null},"config":{"Cmd":["a"]}}');
  });

  test("keeps times to the digit, without trailing zeros", () => {
    for (const [given, kept] of [["2024-01-02T03:04:05.1200Z", "2024-01-02T03:04:05.12Z"], ["2024-01-02T03:04:05.000+02:00", "2024-01-02T03:04:05+02:00"]] as const) {
      assert.match(rewritten({ created: given }), new RegExp(`"created":"${kept.replaceAll(/[.+]/g, String.raw`\$&`)}"`));
    }
  });

  test("keeps the layers that history tells of, and health checks to the nanosecond", () => {
    const history = [{ created_by: "a" }, { created_by: "b", empty_layer: true }];
    const text = rewritten({ history, config: { Healthcheck: { Test: ["CMD", "x"], Interval: 1_500_000_001, Retries: 3 } } });
    assert.match(text, /"history":\[\{"created_by":"a"\},\{"created_by":"b","empty_layer":true\}\]/);
    assert.match(text, /"Healthcheck":\{"Test":\["CMD","x"\],"Interval":1500000001,"Retries":3\}/);
  });

  test("of the wrong form is refused with the member that is wrong", () => {
    assert.throws(() => rewritten({ config: { Env: "A=1" } }), new ImageConfigError("image configuration: config.Env is not a list"));
    assert.throws(() => parseImage(Buffer.from("{")), ImageConfigError);
    assert.throws(() => parseImage(Buffer.from("[]")), ImageConfigError);
  });

  test("a byte that is not UTF-8 becomes an escape, unlike the character that stands for it", () => {
    const { image } = parseImage(Buffer.from("{}"));
    image.author = "a\udcff\ufffd";
    assert.match(Buffer.from(encodeImage(image)).toString(), /"author":"a\\ufffd\ufffd"/);
  });

  test("a copy does not follow its original", () => {
    const { image } = parseImage(Buffer.from("{}"));
    const copy = copyImage(image);
    image.config.env = ["A=1"];
    assert.deepEqual(copy.config.env, []);
  });
});
