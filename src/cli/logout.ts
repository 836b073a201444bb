import { eraseLogin } from "../doors/registry.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./exit-code.ts";
import { registryHost } from "./registry-host.ts";
import { UsageError } from "./usage-error.ts";

export const command: Command = {
  name: "logout",
  summary: "remove the credentials of a registry",
  usage: `Usage: stemma logout [REGISTRY]

Removes the registry's credentials from Docker's config.json and from the credential helper that it names.
REGISTRY is docker.io where left out.`,
  async run(args, io) {
    const [registry, ...more] = args;
    if (more.length > 0 || registry?.startsWith("-") === true) throw new UsageError("logout takes one registry, and no flags");
    const host = registryHost(registry);
    const wasThere = await eraseLogin(host, io.env, io.signal);
    io.stdout(wasThere ? `${host}: logged out\n` : `${host}: there were no credentials\n`);
    return EXIT.ok;
  },
};
