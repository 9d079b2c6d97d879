import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { NODE_MODES } from '../node/index.ts';
import {
  checkGenesis,
  createGenesisFile,
  showGenesis,
  showGenesisSchema,
} from './command-genesis.ts';
import { createKeyFile, showKeyFile } from './command-keys.ts';
import { runNode } from './command-node.ts';
import { resetLedger } from './command-reset.ts';
import { sendCoins } from './command-send.ts';
import { showStatus } from './command-status.ts';
import { runDevnet } from './devnet.ts';
import { createOutput } from './output.ts';
import { untilSignal } from './signals.ts';
import { VERSION } from './version.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEFAULT_RPC = 'http://127.0.0.1:4700/rpc';

function whole(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^[0-9]+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`a whole number from ${minimum} to ${maximum} is needed`);
  };
}

const NO_TEXTS: readonly string[] = [];

const jsonOption = () => new Option('--json', 'one JSON value a line, for programs');
const rpcOption = () => new Option('--rpc <url>', 'node to ask').default(DEFAULT_RPC);

/** The command line: what `tabellion --help` shows. */
export function createProgram(): Command {
  const program = new Command('tabellion')
    .description('A distributed ledger that every participant verifies.')
    .version(VERSION)
    .showHelpAfterError();
  addDevnet(program);
  addNode(program);
  addReset(program);
  addKeys(program);
  addSend(program);
  addStatus(program);
  addGenesis(program);
  return program;
}

function addDevnet(program: Command): void {
  program
    .command('devnet')
    .description('run a local network: validators, relays and the wallet page')
    .option('--port <port>', 'port of the page and first RPC', whole(1024, 65_000), 4700)
    .option('--data <folder>', 'where everything is kept', join(ROOT, '.data', 'devnet'))
    .option('--validators <count>', 'how many validators (4 in a new network)', whole(1, 8))
    .option('--reset', 'begin a new network')
    .option('--app <folder>', 'built wallet page', join(ROOT, 'dist'))
    .addOption(jsonOption())
    .action(async (options) => {
      await runDevnet(
        {
          data: resolve(options.data),
          port: options.port,
          validators: options.validators,
          mustReset: options.reset === true,
          appFolder: resolve(options.app),
          output: createOutput(options.json === true),
          isJson: options.json === true,
        },
        untilSignal(),
      );
    });
}

function addNode(program: Command): void {
  const list = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  program
    .command('node')
    .description('run one node: a relay, and a validator if its folder holds a validator key')
    .requiredOption('--data <folder>', 'data folder of this node')
    .option('--genesis <file>', 'genesis document, needed at the first start')
    .option('--port <port>', 'port of RPC and page', whole(0, 65_535))
    .option('--host <address>', 'address to serve RPC and page on')
    .option('--listen <multiaddr>', 'where peers connect (repeatable)', list, [])
    .option('--announce <multiaddr>', 'what peers are told instead (repeatable)', list, [])
    .option('--relay <multiaddr>', 'relay to join by (repeatable)', list, [])
    .option('--public-host <name>', 'host name this node is asked under (repeatable)', list, [])
    .option('--origin <origin>', 'origin of pages that may call RPC (repeatable)', list, [])
    .option('--cache <megabytes>', 'memory for state', whole(4, 1_000_000))
    .addOption(
      new Option(
        '--mode <mode>',
        'how much of the chain to keep (default: what was chosen last, archive at first)',
      ).choices(NODE_MODES),
    )
    .option('--keep-blocks <count>', 'newest blocks to keep; needs --mode full', whole(1, 4e9))
    .option('--checkpoint <height:hash>', 'block to trust, told by somebody who is trusted')
    .option('--replay-trusting-checkpoint', 'leave signatures below the checkpoint unchecked')
    .option('--no-replay-trusting-checkpoint', 'check them again')
    .option('--app <folder>', 'serve this built wallet page')
    .option('--log <file>', 'write structured logs there instead of standard error')
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .addOption(jsonOption())
    .action((options) => runNode(options, untilSignal()));
}

function addReset(program: Command): void {
  program
    .command('reset')
    .description('delete blocks and state of a stopped node, and keep its keys, votes and settings')
    .requiredOption('--data <folder>', 'data folder of this node')
    .addOption(jsonOption())
    .action((options) => resetLedger(resolve(options.data), createOutput(options.json === true)));
}

function addKeys(program: Command): void {
  const keys = program.command('keys').description('keys held by programs');
  keys
    .command('create <file>')
    .description('make a key file that only its owner can read')
    .addOption(
      new Option('--algorithm <name>', 'what it signs with')
        .choices(['ed25519', 'p256'])
        .default('ed25519'),
    )
    .addOption(jsonOption())
    .action((file, options) =>
      createKeyFile(resolve(file), options.algorithm, createOutput(options.json === true)),
    );
  keys
    .command('show <file>')
    .description('print address and public key, never the secret')
    .addOption(jsonOption())
    .action((file, options) => showKeyFile(resolve(file), createOutput(options.json === true)));
}

function addSend(program: Command): void {
  program
    .command('send')
    .description('pay somebody, and wait until it is final')
    .requiredOption('--key <file>', 'key file of the payer')
    .requiredOption('--to <address>', 'address of the recipient')
    .requiredOption('--amount <amount>', 'amount in whole coins, such as 1.5')
    .option('--memo <text>', 'text that everybody can read', '')
    .addOption(rpcOption())
    .addOption(jsonOption())
    .action((options) =>
      sendCoins(
        {
          keyFile: resolve(options.key),
          recipient: options.to,
          amount: options.amount,
          memo: options.memo,
          rpc: options.rpc,
        },
        createOutput(options.json === true),
      ),
    );
}

function addStatus(program: Command): void {
  program
    .command('status')
    .description('how a node is, or what an account holds')
    .option('--address <address>', 'show this account instead')
    .addOption(rpcOption())
    .addOption(jsonOption())
    .action((options) =>
      showStatus(options.rpc, options.address, createOutput(options.json === true)),
    );
}

function addGenesis(program: Command): void {
  const genesis = program.command('genesis').description('documents that start networks');
  genesis
    .command('create <file>')
    .description('make a genesis document for validators whose public keys are given')
    .requiredOption('--name <name>', 'name of the network')
    .requiredOption(
      '--validator <key>',
      'public key in hex, optionally name=key (repeatable)',
      (value: string, before: readonly string[]) => [...before, value],
      NO_TEXTS,
    )
    .option('--faucet-key <file>', 'key file of a faucet, for test networks')
    .addOption(jsonOption())
    .action((file, options) =>
      createGenesisFile(
        {
          file: resolve(file),
          name: options.name,
          validators: options.validator,
          faucetKeyFile: options.faucetKey === undefined ? undefined : resolve(options.faucetKey),
        },
        createOutput(options.json === true),
      ),
    );
  genesis
    .command('show <file>')
    .description('print the name that its hash gives the network')
    .addOption(jsonOption())
    .action((file, options) => showGenesis(resolve(file), createOutput(options.json === true)));
  genesis
    .command('check <file>')
    .description('say whether it is a valid genesis document')
    .addOption(jsonOption())
    .action((file, options) => checkGenesis(resolve(file), createOutput(options.json === true)));
  genesis
    .command('schema')
    .description('print the JSON Schema of genesis documents')
    .addOption(jsonOption())
    .action((options) => showGenesisSchema(createOutput(options.json === true)));
}
