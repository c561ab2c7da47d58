// Access tokens and published keys, checked by an independent library: jose, used as by a resource server.

import { SignJWT, createLocalJWKSet, exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose'
import pg from 'pg'

import { equal, fails, main, ok } from './support/tap.mjs'

const issuer = 'https://id.shop.example'
const audience = 'https://api.shop.example'
const db = new pg.Client({ host: process.env.PGHOST, port: process.env.PGPORT, user: process.env.PGUSER, database: process.env.PGDATABASE })

await db.connect()
await db.query("INSERT INTO djust_auth.profile (name) VALUES ('customer')")
await db.query("INSERT INTO djust_auth.profile_right VALUES ('customer', '/orders', 'read')")
await db.query(`SET djust_auth.issuer = '${issuer}'`)
await db.query(`SET djust_auth.audience = '${audience}'`)

async function one(sql, ...values) {
	const { rows } = await db.query({ text: sql, values, rowMode: 'array' })
	return rows[0][0]
}

const userId = await one("SELECT djust_auth.create_user('ann@jose.example', 'Tulips-4-Ann', '{customer}')")

async function login() {
	return one('SELECT djust_login($1, $2)', 'ann@jose.example', 'Tulips-4-Ann')
}

async function keySet() {
	return createLocalJWKSet(await one('SELECT djust_jwks()'))
}

async function publicKeys() {
	const options = { issuer, audience, typ: 'at+jwt' }

	for (const algorithm of ['ES256', 'RS256', 'EdDSA']) {
		const kid = await one('SELECT djust_auth.rotate_signing_key($1)', algorithm)
		const { access_token: token } = await login()
		const keys = await keySet()
		const { payload, protectedHeader } = await jwtVerify(token, keys, { ...options, algorithms: [algorithm] })

		equal(protectedHeader, { typ: 'at+jwt', alg: algorithm, kid }, `${algorithm}: jose takes the token, header of RFC 9068`)
		equal([payload.iss, payload.aud, payload.sub, payload.profiles], [issuer, audience, userId, ['customer']],
			`${algorithm}: and finds the claims`)
		equal(payload.exp - payload.iat, 600, `${algorithm}: for ten minutes`)
		await fails('ERR_JWT_CLAIM_VALIDATION_FAILED', jwtVerify(token, keys, { ...options, issuer: 'https://other.example' }),
			`${algorithm}: of this issuer only`)
		await fails('ERR_JWT_CLAIM_VALIDATION_FAILED', jwtVerify(token, keys, { ...options, audience: 'https://other.example' }),
			`${algorithm}: for this audience only`)
		await fails('ERR_JWT_CLAIM_VALIDATION_FAILED', jwtVerify(token, keys, { ...options, typ: 'JWT' }),
			`${algorithm}: of this type only`)
		await fails('ERR_JWT_EXPIRED', jwtVerify(token, keys, { ...options, currentDate: new Date((payload.exp + 1) * 1000) }),
			`${algorithm}: until its time is over`)
		await fails('ERR_JWS_SIGNATURE_VERIFICATION_FAILED', jwtVerify(changed(token), keys, options), `${algorithm}: unchanged only`)
		ok(await one("SELECT djust_can($1, '/orders', 'read')", token), `${algorithm}: we take it too`)
		ok(!(await one("SELECT djust_can($1, '/orders', 'read')", changed(token))), `${algorithm}: and not the changed one`)
	}
}

// The same token for another profile
function changed(token) {
	const [header, payload, signature] = token.split('.')
	const claims = JSON.parse(Buffer.from(payload, 'base64url'))
	return [header, Buffer.from(JSON.stringify({ ...claims, profiles: ['admin'] })).toString('base64url'), signature].join('.')
}

async function rotation() {
	const { access_token: old } = await login()
	await one('SELECT djust_auth.rotate_signing_key()')
	const { access_token: fresh } = await login()
	const keys = await keySet()
	equal([(await jwtVerify(old, keys)).payload.sub, (await jwtVerify(fresh, keys)).payload.sub], [userId, userId],
		'after a rotation the key set verifies tokens of both keys')
}

async function secretKey() {
	const kid = await one("SELECT djust_auth.rotate_signing_key('HS256')")
	const { access_token: token } = await login()
	const key = await importJWK(await one('SELECT djust_auth.hs256_key()'))
	const { payload, protectedHeader } = await jwtVerify(token, key, { issuer, audience, typ: 'at+jwt', algorithms: ['HS256'] })

	equal([protectedHeader, payload.sub], [{ typ: 'at+jwt', alg: 'HS256', kid }, userId], 'HS256: jose takes the token with the secret')
	await fails('ERR_JOSE_NOT_SUPPORTED', jwtVerify(token, await keySet()), 'HS256: key sets are for public keys')
	await fails('ERR_JWS_SIGNATURE_VERIFICATION_FAILED', jwtVerify(changed(token), key), 'HS256: unchanged only')
	await one("SELECT djust_auth.rotate_signing_key('ES256')")
}

// Tokens jose signs, as an attacker would
async function forgeries() {
	const { access_token: live } = await login()
	const claims = JSON.parse(Buffer.from(live.split('.')[1], 'base64url'))
	const { kid } = JSON.parse(Buffer.from(live.split('.')[0], 'base64url'))
	const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
	const forged = {
		'a foreign key under our kid': { alg: 'ES256', typ: 'at+jwt', kid },
		'a foreign key in the header': { alg: 'ES256', typ: 'at+jwt', kid, jwk: await exportJWK(publicKey) },
		'a foreign kid': { alg: 'ES256', typ: 'at+jwt', kid: 'mine' },
	}

	for (const [name, header] of Object.entries(forged)) {
		const token = await new SignJWT(claims).setProtectedHeader(header).sign(privateKey)
		await jwtVerify(token, publicKey)
		ok(!(await one("SELECT djust_can($1, '/orders', 'read')", token)), `${name}: refused`)
	}
	ok(await one("SELECT djust_can($1, '/orders', 'read')", live), 'the token they were made from is good')
}

await main(publicKeys, rotation, secretKey, forgeries)
