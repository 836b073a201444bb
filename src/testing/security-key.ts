import { createHash, generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export type SecurityKeyType = "sk-ssh-ed25519@openssh.com" | "sk-ecdsa-sha2-nistp256@openssh.com";

export interface SecurityKeyUse {
  readonly namespace?: string;
  /** One bit of them says that somebody has touched the key. */
  readonly flags?: number;
  readonly counter?: number;
}

/** What a security key has signed, in the parts that a signature by ssh has; each may be changed before it is written. */
export interface SecurityKeySignature {
  readonly publicKey: Buffer;
  readonly namespace: string;
  readonly format: string;
  readonly blob: Buffer;
  readonly flags: number;
  readonly counter: number;
}

/** A security key without its device: it signs what such a key signs (OpenSSH's PROTOCOL.u2f), in ssh's form. */
export class SecurityKey {
  readonly type: SecurityKeyType;
  readonly #private: KeyObject;
  readonly #point: Buffer;
  readonly #application: string;

  constructor(type: SecurityKeyType, application = "ssh:") {
    this.type = type;
    this.#application = application;
    if (type === "sk-ssh-ed25519@openssh.com") {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      this.#private = privateKey;
      this.#point = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
      return;
    }
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { x = "", y = "" } = publicKey.export({ format: "jwk" });
    this.#private = privateKey;
    this.#point = Buffer.concat([Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  }

  /** A line of `id_*_sk.pub`; with another application it is another key. */
  publicKeyLine(application: string = this.#application): string {
    return `${this.type} ${this.publicKey(application).toString("base64")} who@example.com\n`;
  }

  publicKey(application: string = this.#application): Buffer {
    const curve = this.type === "sk-ssh-ed25519@openssh.com" ? [] : [text("nistp256")];
    return Buffer.concat([text(this.type), ...curve, text(this.#point), text(application)]);
  }

  sign(bytes: Uint8Array, { namespace = "git", flags = 0x01, counter = 7 }: SecurityKeyUse = {}): SecurityKeySignature {
    const message = Buffer.concat([Buffer.from("SSHSIG"), text(namespace), text(""), text("sha512"), text(createHash("sha512").update(bytes).digest())]);
    const signed = Buffer.concat([sha256(this.#application), flagsAndCounter(flags, counter), sha256(message)]);
    const made = { publicKey: this.publicKey(), namespace, format: this.type, flags, counter };
    if (this.type === "sk-ssh-ed25519@openssh.com") return { ...made, blob: sign(null, signed, this.#private) };
    const numbers = sign("sha256", signed, { key: this.#private, dsaEncoding: "ieee-p1363" });
    return { ...made, blob: Buffer.concat([number(numbers.subarray(0, 32)), number(numbers.subarray(32))]) };
  }
}

/** As `ssh-keygen -Y sign` writes it. */
export function armored({ publicKey, namespace, format, blob, flags, counter }: SecurityKeySignature, trailing: Buffer = Buffer.alloc(0)): string {
  const signature = Buffer.concat([text(format), text(blob), flagsAndCounter(flags, counter), trailing]);
  const all = Buffer.concat([Buffer.from("SSHSIG"), Buffer.from([0, 0, 0, 1]), text(publicKey), text(namespace), text(""), text("sha512"), text(signature)]);
  return `-----BEGIN SSH SIGNATURE-----\n${all.toString("base64").replace(/.{1,70}/g, "$&\n")}-----END SSH SIGNATURE-----\n`;
}

function sha256(bytes: Uint8Array | string): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function flagsAndCounter(flags: number, counter: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(flags);
  bytes.writeUInt32BE(counter, 1);
  return bytes;
}

/** RFC 4251 §5: a string, and a number that is not negative. */
function text(content: Uint8Array | string): Buffer {
  const bytes = typeof content === "string" ? Buffer.from(content) : Buffer.from(content);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}

function number(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(first);
  return text((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), short]) : short);
}
