import { mkdirSync, writeFileSync } from 'node:fs';
import { builtinMethods } from './builtin.ts';
import { formatOpenRpc } from './openrpc.ts';

// Writes docs/openrpc.json; a test compares that file with the table.
const docs = new URL('../../docs/', import.meta.url);
mkdirSync(docs, { recursive: true });
writeFileSync(new URL('openrpc.json', docs), formatOpenRpc(builtinMethods()));
