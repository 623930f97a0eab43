/**
 * A self-signed certificate for a server in the local network: pages have threads and WebGPU only
 * in a secure context, and no authority certifies an address such as 192.168.1.5. Node makes keys
 * and signatures but no certificates, so the few structures are written here (RFC 5280, in DER). A
 * browser warns once; its user confirms that this is the machine that printed the address.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const DAY_MS = 86_400_000;

/**
 * For the IPv4 address `host` and for localhost. Valid from yesterday, because clocks differ, for a
 * week.
 */
export function selfSigned(host: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaWithSha256 = sequence(objectId(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const commonName = sequence(objectId(0x55, 0x04, 0x03), der(0x0c, Buffer.from('Lamella bench')));
  const name = sequence(der(0x31, commonName));
  const now = Date.now();
  const address = der(0x87, Buffer.from(host.split('.').map(Number)));
  const names = sequence(objectId(0x55, 0x1d, 0x11), der(0x04, sequence(der(0x82, Buffer.from('localhost')), address)));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    // Positive, and not the serial number of an earlier run.
    der(0x02, Buffer.of(1, ...randomBytes(8))),
    ecdsaWithSha256,
    name,
    sequence(utcTime(now - DAY_MS), utcTime(now + 7 * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(names)),
  );
  const signature = der(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, privateKey)]));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem(sequence(body, ecdsaWithSha256, signature)),
  };
}

/** A tag, a length and a content. */
function der(tag: number, content: Buffer): Buffer {
  const size = content.length;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, Buffer.concat(parts));
const objectId = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));

/** `YYMMDDHHMMSSZ`. */
function utcTime(time: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(time).toISOString().replace(/\D/g, '').slice(2, 14)}Z`));
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g)!;
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
