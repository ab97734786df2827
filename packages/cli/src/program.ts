import { Command } from 'commander';
import { type CommandContext, createContext, type GlobalOptions } from './command-context.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import type { LoginFlags } from './login/choose-login.ts';
import { version } from './version.ts';

/** Every command, its options and where its work is. Commands are loaded when they are run. */
export function createProgram(io: Io, finish: (code: ExitCode) => void): Command {
  const program = new Command('meshwork')
    .description('Run a Meshwork hub, and talk to one.')
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .showHelpAfterError('(meshwork --help shows what there is)');
  const run =
    <Args extends unknown[]>(work: (context: CommandContext, ...args: Args) => ExitCode | Promise<ExitCode>) =>
    async (...all: unknown[]) => {
      const command = all.at(-1) as Command;
      const context = createContext(io, command.optsWithGlobals<GlobalOptions>());
      finish(await work(context, ...(all.slice(0, -1) as Args)));
    };
  /** For commands that may name the hub by itself, which beats `--server`. */
  const atHub =
    (work: (context: CommandContext, options: LoginFlags) => Promise<ExitCode>) => async (hub: string | undefined, _options: unknown, self: Command) => {
      const options = self.optsWithGlobals<GlobalOptions & LoginFlags>();
      finish(await work(createContext(io, { ...options, ...(hub !== undefined && { server: hub }) }), options));
    };
  const command = (parent: Command, name: string, description: string, { isDefault = false } = {}) =>
    parent
      .command(name, { isDefault })
      .description(description)
      .option('--server <url>', 'the hub (MESHWORK_SERVER; default http://127.0.0.1:3001/mcp)')
      .option('--key <key>', 'the key to show (MESHWORK_KEY; for a hub on this machine, the admin key in the data folder)')
      .option('--ca <file>', "the certificate of the authority the hub's own is from (MESHWORK_CA; default those of this machine)")
      .option('--cert <file>', 'a certificate to show the hub, where it asks for one (MESHWORK_CERT)')
      .option('--cert-key <file>', 'its key (MESHWORK_CERT_KEY)')
      .option('--data <folder>', 'the data folder (MESHWORK_DATA; default .meshwork)')
      .option('--json', 'print one JSON document');

  program
    .command('up')
    .description('run a hub until Ctrl-C')
    .option('--profile <name>', 'guardian (ports 3001 and 3002) or gateway (port 8080)')
    .option('--host <address>', 'address to listen on (MCP_HOST; default 127.0.0.1)')
    .option('--port <number>', 'port to listen on, 0 for a free one (MCP_PORT; default 3001)')
    .option('--ws-port <number>', 'a port for WebSockets alone, beside the upgrade on the port')
    .option('--data <folder>', 'folder for the database and the admin key (MESHWORK_DATA; default .meshwork)')
    .option('--store <url>', 'where everything is kept: sqlite:./data, memory:, postgres://… (MESHWORK_STORE; default SQLite in the data folder)')
    .option('--encrypt-with <keys>', 'encrypt what is kept: env:NAME or file:PATH, with lines ID:BASE64 (MESHWORK_ENCRYPT_WITH)')
    .option('--store-wait <duration>', 'how long a store that is away is waited for (default 30s)')
    .option('--config <file>', 'configuration file, YAML or JSON')
    .option('--tls-cert <file>', 'serve TLS with this certificate in PEM; it is read again when it changes')
    .option('--tls-key <file>', 'its key')
    .option('--tls-client-ca <file>', 'ask clients for a certificate of this authority; one of "meshwork certs client" is its agent')
    .option('--log-level <level>', 'DEBUG, INFO, WARNING, ERROR or CRITICAL (MCP_LOG_LEVEL; default INFO)')
    .option('--log-format <format>', 'seed or json (MCP_LOG_FORMAT; default seed)')
    .option('--insecure', 'let REQUIRE_AUTH=false through on other addresses than this machine')
    .option('--stdio', 'serve one client on standard input and output instead')
    .option('--agent <name>', 'with --stdio: the agent that client is (default local-agent)')
    .option('--json', 'print one line of JSON once the hub takes calls')
    .action(async (options) => finish(await (await import('./commands/up.ts')).up(options, io)));

  program
    .command('migrate')
    .description('copy everything a store holds into an empty one; run it again when it was interrupted')
    .requiredOption('--from <url>', 'the store to copy, as in sqlite:./data; no hub may run on it')
    .requiredOption('--to <url>', 'the store to fill, as in postgres://…')
    .option('--decrypt-with <keys>', 'the keys of the store to copy: env:NAME or file:PATH')
    .option('--encrypt-with <keys>', 'keys to encrypt the other with: env:NAME or file:PATH')
    .option('--store-wait <duration>', 'how long a store that is away is waited for (default 30s)')
    .option('--json', 'print one JSON document')
    .action(async (options) => finish(await (await import('./commands/migrate.ts')).migrate(options, io)));

  const store = program.command('store').description('what is kept');
  store
    .command('rewrap')
    .description('after a new encryption key was put before the old ones: bring what they encrypted to it, and say which are still needed')
    .option('--store <url>', 'the store (MESHWORK_STORE; default SQLite in the data folder); of a file, its hub must be stopped')
    .option('--data <folder>', 'the data folder (MESHWORK_DATA; default .meshwork)')
    .option('--config <file>', 'the configuration file of its hub')
    .option('--encrypt-with <keys>', 'all its keys, the new one first: env:NAME or file:PATH (MESHWORK_ENCRYPT_WITH)')
    .option('--store-wait <duration>', 'how long a store that is away is waited for (default 30s)')
    .option('--json', 'print one JSON document')
    .action(async (options) => finish(await (await import('./commands/store.ts')).rewrapStore(options, io)));

  const agent = program.command('agent').description('add agents and say what they may have');
  const agentCommands = () => import('./commands/agent.ts');
  command(agent, 'add <name>', 'add an agent; prints its key once')
    .option('--allow <types...>', 'resource types it is allowed beyond the everyday ones')
    .action(run(async (context, name: string, options: { allow?: string[] }) => (await agentCommands()).addAgent(context, name, options)));
  command(agent, 'list', 'list the agents').action(run(async (context) => (await agentCommands()).listAgents(context)));
  command(agent, 'remove <name>', 'remove an agent').action(run(async (context, name: string) => (await agentCommands()).removeAgent(context, name)));
  command(agent, 'rotate-key <name>', 'make a new key; prints it once').action(
    run(async (context, name: string) => (await agentCommands()).rotateKey(context, name)),
  );
  command(agent, 'allow <name> <type>', 'allow an agent a resource type').action(
    run(async (context, name: string, type: string) => (await agentCommands()).setAllowance(context, name, type, true)),
  );
  command(agent, 'disallow <name> <type>', 'take an allowance back').action(
    run(async (context, name: string, type: string) => (await agentCommands()).setAllowance(context, name, type, false)),
  );

  const keys = program.command('keys').description('API keys: more of them, limited ones, new ones for old');
  const keyCommands = () => import('./commands/keys.ts');
  command(keys, 'create [agent]', 'make a key for an agent, or with --admin for an admin; prints it once')
    .option('--admin', "make an admin's key")
    .option('--name <text>', 'what it is for')
    .option('--expires <duration>', 'how long it lives, such as 12h or 30d')
    .option('--scopes <list>', 'what it may be used for: read, write and admin, with commas')
    .option('--network <cidr...>', 'networks it may be used from, such as 10.1.0.0/16')
    .option('--owner <text>', 'the party answerable for whoever uses it')
    .option('--organisation <text>', 'the organisation both belong to')
    .action(run(async (context, agent: string | undefined, options) => (await keyCommands()).createKey(context, agent, options as never)));
  command(keys, 'list [agent]', 'list the keys').action(run(async (context, agent: string | undefined) => (await keyCommands()).listKeys(context, agent)));
  command(keys, 'rotate <key-id>', 'make a new key in place of this one; prints it once')
    .option('--overlap <duration>', 'how long the old one stays good, such as 1h; without it, it dies at once')
    .action(run(async (context, keyId: string, options: { overlap?: string }) => (await keyCommands()).rotateKey(context, keyId, options)));
  command(keys, 'revoke <key-id>', 'make a key worthless at once').action(
    run(async (context, keyId: string) => (await keyCommands()).revokeKey(context, keyId)),
  );

  const loginCommands = () => import('./commands/login.ts');
  command(program, 'login [hub]', 'get a token for a hub from its authorization server (OAuth), and keep it')
    .option('--client-id <id>', 'the client this program is to the authorization server')
    .option('--device', 'have a code entered in a browser, on this or another device; what is done at a terminal by itself')
    .option('--private-key <file>', 'instead: log in as the client itself, with its private key (PKCS #8 PEM, or JWK)')
    .option('--key-id <id>', 'the name of that key at the authorization server')
    .option('--client-secret-env <name>', 'or with its secret, in this environment variable')
    .option('--client-secret-stdin', 'or with its secret on standard input; then it cannot be renewed by itself')
    .option('--scope <scopes>', 'scopes to ask for, and no others later (default those the hub names)')
    .option('--issuer <url>', 'which authorization server, where a hub has several')
    .option('--allow-private-host <hosts...>', 'authorization servers that are not public: host names, addresses, networks; http on this machine only')
    .action(atHub(async (context, options) => (await loginCommands()).login(context, options)));
  command(program, 'logout [hub]', 'have the tokens for a hub revoked, and forget them').action(
    atHub(async (context) => (await loginCommands()).logout(context)),
  );
  command(program, 'whoami', 'say what commands show the hub: a key, a login or nothing').action(
    run(async (context) => (await loginCommands()).whoami(context)),
  );

  const permissionCommands = () => import('./commands/permission.ts');
  command(program, 'request-permission', 'ask for a permission; exit code 0 granted, 1 refused')
    .requiredOption('--agent <name>', 'the agent it is for')
    .requiredOption('--resource <type>', 'such as SAP_API')
    .requiredOption('--justification <text>', 'why, for the people who read the record')
    .option('--scope <scope>', 'what part of the resource')
    .action(run(async (context, options) => (await permissionCommands()).requestPermission(context, options as never)));
  command(program, 'validate', 'check a token; exit code 0 valid, 1 not')
    .requiredOption('--token <token>')
    .requiredOption('--agent <name>')
    .requiredOption('--resource <type>')
    .action(run(async (context, options) => (await permissionCommands()).validateToken(context, options as never)));
  command(program, 'revoke', 'give a permission back')
    .requiredOption('--token <token>')
    .action(run(async (context, options) => (await permissionCommands()).revokeToken(context, options as never)));
  command(program, 'grants', 'show the grants that hold now')
    .option('--trail', 'show what was asked, granted, refused and revoked instead')
    .action(run(async (context, options: { trail?: boolean }) => (await permissionCommands()).listGrants(context, options)));

  const audit = program.command('audit').description('read and check the record of every call');
  const auditCommands = () => import('./commands/audit.ts');
  const filtered = (parent: Command) =>
    parent
      .option('--principal <id>')
      .option('--name <name>', 'tool, resource or prompt')
      .option('--kind <kind>', 'tool, resource or prompt')
      .option('--outcome <outcome>', 'ok, failed, denied, invalid …')
      .option('--zone <zone>', 'local, trusted or external')
      .option('--since <time>', 'ISO 8601')
      .option('--until <time>', 'ISO 8601')
      .option('--limit <number>');
  filtered(command(audit, 'list', 'list records, newest first', { isDefault: true })).action(
    run(async (context, options) => (await auditCommands()).listAudit(context, options as never)),
  );
  command(audit, 'verify', 'check the chain; exit code 1 when it was tampered with')
    .option('--checkpoint <files...>', 'also prove that nothing up to these checkpoints was cut off')
    .option('--file <file>', 'check this export of the format chain instead, without a hub')
    .option(
      '--public-key <key>',
      "with --file: the log's public key, of any time, or a file that holds it; checkpoints must be signed by it or by one that rotations lead to (also --key)",
    )
    .action(run(async (context, options) => (await auditCommands()).verifyAudit(context, options as never)));
  command(audit, 'checkpoint', "take the log's size and end, signed, to keep elsewhere")
    .option('--out <file>', 'write it to a file')
    .action(run(async (context, options) => (await auditCommands()).takeCheckpoint(context, options as never)));
  command(audit, 'rotate-key', 'sign checkpoints with another key from now on; the old one signs the change')
    .option('--compromised', 'somebody else may have the old key: it vouches for nothing any more, not even for the new one')
    .action(run(async (context, options) => (await auditCommands()).rotateKey(context, options as never)));
  filtered(command(audit, 'export', 'print all records'))
    .option('--format <format>', 'ndjson or csv; chain: all there is, for "meshwork audit verify --file"', 'ndjson')
    .option('--out <file>', 'write to a file')
    .action(run(async (context, options) => (await auditCommands()).exportAudit(context, options as never)));
  command(audit, 'report', 'who did what: refusals, by tool, principal, zone and hour')
    .option('--from <time>', 'ISO 8601')
    .option('--to <time>', 'ISO 8601')
    .option('--format <format>', 'html, ndjson or json', 'html')
    .option('--out <file>', 'write it to a file')
    .action(run(async (context, options) => (await auditCommands()).reportAudit(context, options as never)));

  const board = program.command('board').description('what agents share');
  const boardCommands = () => import('./commands/board.ts');
  const onBoard = (name: string, description: string) =>
    command(board, name, description).option('--board <name>', 'the board (default main, or the only one)');
  onBoard('get <key>', 'print what a key holds; exit code 1 when there is nothing').action(
    run(async (context, key: string, options) => (await boardCommands()).getKey(context, key, options as never)),
  );
  onBoard('set <key> <value>', 'write a key; the value is JSON, or text that is none')
    .option('--text', 'the value is text, also where it would be JSON')
    .option('--ttl <duration>', 'how long it lasts, such as 12h or 30d')
    .option('--level <level>', 'eventual or strong: of a new key, for good, where the board lets writers choose')
    .option('--expected <version>', 'only if the key is at this version (of keys of level strong)')
    .option('--absent', 'only if the key is absent (of keys of level strong)')
    .action(run(async (context, key: string, value: string, options) => (await boardCommands()).setKey(context, key, value, options as never)));
  onBoard('delete <key>', 'delete a key; exit code 1 when there was nothing').action(
    run(async (context, key: string, options) => (await boardCommands()).deleteKey(context, key, options as never)),
  );
  onBoard('list [prefix]', 'list keys and what they hold')
    .option('--limit <number>', 'at most so many (default 100)')
    .action(run(async (context, prefix: string | undefined, options) => (await boardCommands()).listKeys(context, prefix, options as never)));
  onBoard('watch [prefix]', 'print changes until Ctrl-C')
    .option('--count <number>', 'stop after so many')
    .action(run(async (context, prefix: string | undefined, options) => (await boardCommands()).watchBoard(context, prefix, options as never)));
  onBoard('history <key>', 'list what a key was, newest first')
    .option('--limit <number>', 'at most so many (default 20)')
    .action(run(async (context, key: string, options) => (await boardCommands()).showHistory(context, key, options as never)));
  onBoard('conflicts <key>', 'list values that were written without knowing of each other').action(
    run(async (context, key: string, options) => (await boardCommands()).showConflicts(context, key, options as never)),
  );
  onBoard('resolve <key> <value>', 'write one value in place of all of them')
    .option('--text', 'the value is text, also where it would be JSON')
    .action(run(async (context, key: string, value: string, options) => (await boardCommands()).resolveKey(context, key, value, options as never)));
  const fileCommands = () => import('./commands/board-files.ts');
  onBoard('export [prefix]', 'print what a board holds, as JSON')
    .option('--out <file>', 'write it to a file')
    .action(run(async (context, prefix: string | undefined, options) => (await fileCommands()).exportBoard(context, prefix, options as never)));
  onBoard('import <file>', 'write the entries of an export: registers anew, elements into sets, counters up by what they were').action(
    run(async (context, file: string, options) => (await fileCommands()).importBoard(context, file, options as never)),
  );
  onBoard('status', 'say how a board does: its size, its members and its peers').action(
    run(async (context, options) => (await boardCommands()).boardStatus(context, options as never)),
  );

  const toolCommands = () => import('./commands/tools.ts');
  command(program, 'tools', "list the hub's tools").action(run(async (context) => (await toolCommands()).listTools(context)));
  command(program, 'call <tool> [arguments...]', 'call a tool: name=value for texts, name:=json for anything else')
    .option('--args <json>', 'all arguments as one JSON object')
    .action(run(async (context, tool: string, pairs: string[], options: { args?: string }) => (await toolCommands()).callTool(context, tool, pairs, options)));

  command(program, 'doctor', 'look for what is wrong and say what to do')
    .option('--config <file>', 'also check this configuration file')
    .action(run(async (context, options) => (await import('./commands/doctor.ts')).doctor(context, options as never)));
  command(program, 'install <client>', 'print what an MCP host needs to reach the hub')
    .option('--dry-run', 'print only')
    .action(run(async (context, client: string, options: { dryRun?: boolean }) => (await import('./commands/install.ts')).install(context, client, options)));
  const certs = program.command('certs').description('make certificates for a trial, with an authority of your own');
  const certsCommands = () => import('./commands/certs.ts');
  const certsCommand = (name: string, description: string) =>
    command(certs, name, description)
      .option('--dir <folder>', 'where the authority and its certificates are (default certs in the data folder)')
      .option('--days <number>', 'days it is good (default 365 for the authority, 90 for the others)')
      .option('--force', 'replace files that are there');
  certsCommand('init', 'make the authority')
    .option('--name <name>', 'what it is called')
    .action(run(async (context, options) => (await certsCommands()).initAuthority(context, options as never)));
  certsCommand('server', 'make the certificate of a hub')
    .requiredOption('--host <names...>', 'host names and addresses the hub is reached by')
    .action(run(async (context, options) => (await certsCommands()).makeServerCertificate(context, options as never)));
  certsCommand('client', 'make the certificate of an agent')
    .requiredOption('--agent <name>', 'the agent')
    .action(run(async (context, options) => (await certsCommands()).makeClientCertificate(context, options as never)));
  const config = program.command('config').description('the configuration file');
  command(config, 'schema', 'print its JSON Schema').action(run(async (context) => (await import('./commands/config.ts')).printSchema(context)));
  command(config, 'check <file>', 'check one').action(run(async (context, file: string) => (await import('./commands/config.ts')).checkConfig(context, file)));

  // Subcommands made before `exitOverride` was set on the parent do not inherit it.
  for (const each of allCommands(program)) each.exitOverride().configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  return program;
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
