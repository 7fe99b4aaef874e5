// sigstore-js by its own libraries, since its command line knows only the public instance.
//
//   node sigstore.cjs verify BUNDLE TRUSTED_ROOT IDENTITY ISSUER [ARTIFACT]
//   node sigstore.cjs verify-key BUNDLE TRUSTED_ROOT PUBLIC_KEY [ARTIFACT]
//   node sigstore.cjs sign SIGNING_CONFIG TOKEN_FILE ARTIFACT BUNDLE
//   node sigstore.cjs attest SIGNING_CONFIG TOKEN_FILE STATEMENT BUNDLE REKOR_V1 KIND_OF_ENTRY
//   node sigstore.cjs sign-key PRIVATE_KEY ARTIFACT BUNDLE
//   node sigstore.cjs attest-key PRIVATE_KEY STATEMENT BUNDLE
//
// Its modules are found through NODE_PATH.
'use strict';

const { createHash, createPublicKey, sign: signBytes } = require('node:crypto');
const { readFileSync, writeFileSync } = require('node:fs');
const { bundleFromJSON, bundleToJSON } = require('@sigstore/bundle');
const { SigningConfig, TrustedRoot } = require('@sigstore/protobuf-specs');
const {
  DSSEBundleBuilder,
  FulcioSigner,
  MessageSignatureBundleBuilder,
  RekorWitness,
  TSAWitness,
  bundleBuilderFromSigningConfig,
} = require('@sigstore/sign');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const json = (path) => JSON.parse(readFileSync(path, 'utf8'));

function verify(bundle, root, identity, issuer, artifact) {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(json(root)));
  const entity = toSignedEntity(bundleFromJSON(json(bundle)), artifact && readFileSync(artifact));
  // no policy here takes a name for a pattern: the signer that was found is compared below
  const signer = new Verifier(trust).verify(entity);
  const found = signer.identity;
  if (found.subjectAlternativeName !== identity || found.extensions.issuer !== issuer) {
    throw new Error(`signed by ${found.subjectAlternativeName} at ${found.extensions.issuer}`);
  }
}

function verifyKey(bundle, root, key, artifact) {
  const finder = () => ({ publicKey: createPublicKey(readFileSync(key)), validFor: () => true });
  const trust = toTrustMaterial(TrustedRoot.fromJSON(json(root)), finder);
  const options = { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 };
  const entity = toSignedEntity(bundleFromJSON(json(bundle)), artifact && readFileSync(artifact));
  new Verifier(trust, options).verify(entity);
}

const IN_TOTO = 'application/vnd.in-toto+json';

async function write(builder, file, bundle) {
  const made = await builder.create({ data: readFileSync(file), type: IN_TOTO });
  writeFileSync(bundle, JSON.stringify(bundleToJSON(made)));
}

async function sign(config, token, artifact, bundle) {
  const builder = bundleBuilderFromSigningConfig({
    signingConfig: SigningConfig.fromJSON(json(config)),
    identityProvider: { getToken: async () => readFileSync(token, 'utf8') },
    bundleType: 'messageSignature',
  });
  await write(builder, artifact, bundle);
}

async function attest(config, token, statement, bundle, rekorBaseURL, entryType) {
  const { caUrls, tsaUrls } = json(config);
  const identityProvider = { getToken: async () => readFileSync(token, 'utf8') };
  const signer = new FulcioSigner({ fulcioBaseURL: caUrls[0].url, identityProvider });
  const witnesses = [
    new RekorWitness({ rekorBaseURL, entryType }),
    new TSAWitness({ tsaBaseURL: tsaUrls[0].url }),
  ];
  await write(new DSSEBundleBuilder({ signer, witnesses }), statement, bundle);
}

function keySigner(key) {
  const pem = readFileSync(key, 'utf8');
  const publicKey = createPublicKey(pem);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const hint = createHash('sha256').update(der).digest('base64');
  const material = { $case: 'publicKey', publicKey: publicKey.export({ type: 'spki', format: 'pem' }), hint };
  return { sign: async (data) => ({ signature: signBytes('sha256', data, pem), key: material }) };
}

const signKey = (key, artifact, bundle) =>
  write(new MessageSignatureBundleBuilder({ signer: keySigner(key), witnesses: [] }), artifact, bundle);

const attestKey = (key, statement, bundle) =>
  write(new DSSEBundleBuilder({ signer: keySigner(key), witnesses: [] }), statement, bundle);

const verbs = {
  attest,
  'attest-key': attestKey,
  sign,
  'sign-key': signKey,
  verify,
  'verify-key': verifyKey,
};
const [verb, ...rest] = process.argv.slice(2);
Promise.resolve()
  .then(() => verbs[verb](...rest))
  .catch((error) => {
    console.error(`${error.message}${error.cause ? ` (${error.cause.message})` : ''}`);
    process.exitCode = 1;
  });
