import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Place } from "./command.ts";

/** What the example program is compiled with: a small compiler, and the headers and archives of the C library. */
const PACKAGES = "tcc,libc6-dev";
const SUITE = "bookworm";

/** Kept between runs on one machine: making it takes half a minute and the network. */
const ARCHIVE = join(tmpdir(), `stemma-debian-${SUITE}-${PACKAGES.replace(",", "-")}.tar.gz`);

/** A Debian made by debootstrap, as an archive of its root file system. */
export async function debianArchive(place: Place): Promise<string> {
  if (existsSync(ARCHIVE)) return ARCHIVE;
  const work = await mkdtemp(join(tmpdir(), "stemma-debootstrap-"));
  try {
    const root = join(work, "root");
    await place.run(["debootstrap", "--variant=minbase", `--include=${PACKAGES}`, SUITE, root, ...(await mirror(place))]);
    await rm(join(root, "var/cache/apt/archives"), { recursive: true, force: true });
    await mkdir(join(root, "var/cache/apt/archives/partial"), { recursive: true });
    const partial = join(work, "base.tar.gz");
    await place.run(["tar", "--numeric-owner", "--xattrs", "-C", root, "-czf", partial, "."], { env: { GZIP: "-1" } });
    await rename(partial, ARCHIVE);
    return ARCHIVE;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The mirror that this machine's apt uses; debootstrap's own default where apt says nothing. */
async function mirror(place: Place): Promise<string[]> {
  const sites = await place.run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]);
  const debian = sites.split("\n").find((site) => /\/debian\/?$/.test(site));
  return debian === undefined ? [] : [debian];
}
