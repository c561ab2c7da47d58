// oauth4webapi and jose, unmodified: grants, revocation, introspection, and tokens verified with the published keys.

import * as oauth from 'oauth4webapi'
import * as jose from 'jose'
import pg from 'pg'

import { equal, fails, main, ok } from '../t/support/tap.mjs'

const url = process.env.HTTP_URL
const server = {
	issuer: url,
	token_endpoint: `${url}/rpc/djust_token`,
	revocation_endpoint: `${url}/rpc/djust_logout`,
	introspection_endpoint: `${url}/rpc/djust_introspect`,
	jwks_uri: `${url}/rpc/djust_jwks`,
}
const client = { client_id: 'shop' }
const insecure = { [oauth.allowInsecureRequests]: true } // http, to this machine
const email = 'ann@oauth4.example'
const password = 'Tulips-4-Ann'

const db = new pg.Client()
await db.connect()

async function one(statement, ...values) {
	const { rows } = await db.query({ text: statement, values, rowMode: 'array' })
	return rows[0][0]
}

const ann = await one('SELECT djust_auth.create_user($1, $2)', email, password)

async function passwordGrant(secret, authentication = oauth.None()) {
	const response = await oauth.genericTokenEndpointRequest(server, client, authentication, 'password',
		{ username: email, password: secret }, insecure)
	return oauth.processGenericTokenEndpointResponse(server, client, response)
}

async function grants() {
	const first = await passwordGrant(password)
	equal([first.token_type, first.expires_in], ['bearer', 600], 'password grant')
	for (const [name, authentication] of [['client_secret_post', oauth.ClientSecretPost('s')], ['client_secret_basic', oauth.ClientSecretBasic('s')]])
		ok((await passwordGrant(password, authentication)).access_token, `password grant with ${name}`)
	const response = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), first.refresh_token, insecure)
	const second = await oauth.processRefreshTokenResponse(server, client, response)
	ok(second.refresh_token !== first.refresh_token, 'refresh grant rotates')
	try {
		await passwordGrant('Nettles-6-Eve')
		ok(false, 'a wrong password')
	} catch (error) {
		equal([error.constructor.name, error.status, error.error], ['ResponseBodyError', 400, 'invalid_grant'], 'a wrong password is invalid_grant to the library')
	}
	const user = await oauth.protectedResourceRequest(second.access_token, 'GET', new URL(`${url}/rpc/djust_request_user`), undefined, null, insecure)
	equal(await user.json(), ann, 'a protected resource')
}

async function endings() {
	const { access_token, refresh_token } = await passwordGrant(password)
	await db.query("SET djust_auth.jwt_role = 'http_backend'")
	const backend = (await one('SELECT djust_login($1, $2)', email, password)).access_token
	await db.query('RESET djust_auth.jwt_role')
	async function introspected(token) {
		// the library's way to authenticate a client by other means than its own
		const bearer = (_server, _client, _body, headers) => headers.set('authorization', `Bearer ${backend}`)
		const response = await oauth.introspectionRequest(server, client, bearer, token, insecure)
		return oauth.processIntrospectionResponse(server, client, response)
	}
	const live = await introspected(access_token)
	equal([live.active, live.sub, live.username, live.token_type], [true, ann, email, 'Bearer'], 'introspection')
	const response = await oauth.revocationRequest(server, client, oauth.None(), refresh_token, insecure)
	equal(await oauth.processRevocationResponse(response), undefined, 'revocation')
	equal(await introspected(access_token), { active: false }, 'introspection after it')
	try {
		await oauth.protectedResourceRequest(access_token, 'GET', new URL(`${url}/rpc/djust_request_user`), undefined, null, insecure)
		ok(false, 'a protected resource after it')
	} catch (error) {
		const [challenge] = error.cause
		equal([error.constructor.name, challenge.scheme, challenge.parameters.error, challenge.parameters.realm],
			['WWWAuthenticateChallengeError', 'bearer', 'invalid_token', 'djust_auth'], 'a protected resource after it: the challenge is read')
	}
}

async function signatures() {
	const { access_token } = await passwordGrant(password)
	const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri))
	const checks = { issuer: 'djust_auth', audience: 'djust_auth', typ: 'at+jwt' }
	const { payload, protectedHeader } = await jose.jwtVerify(access_token, keys, checks)
	equal([payload.sub, protectedHeader.alg], [ann, 'ES256'], 'jose verifies with the keys it fetches')
	const [head, , signature] = access_token.split('.')
	const forged = [head, jose.base64url.encode(JSON.stringify({ ...payload, sub: 'eve' })), signature].join('.')
	await fails('ERR_JWS_SIGNATURE_VERIFICATION_FAILED', jose.jwtVerify(forged, keys, checks), 'and refuses a forged payload')
	await db.query("SELECT djust_auth.rotate_signing_key('EdDSA')")
	const other = (await one('SELECT djust_login($1, $2)', email, password)).access_token
	const again = await jose.jwtVerify(other, jose.createRemoteJWKSet(new URL(server.jwks_uri)), checks)
	equal(again.protectedHeader.alg, 'EdDSA', 'also after a rotation to another algorithm')
	equal((await jose.jwtVerify(access_token, jose.createRemoteJWKSet(new URL(server.jwks_uri)), checks)).payload.sub, ann, 'the old token still')
}

await main(grants, endings, signatures)
