// openid-client, unmodified, finds everything by the metadata, through the lines of doc/postgrest.md in HAProxy and nginx.

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import * as jose from 'jose'
import * as client from 'openid-client'
import pg from 'pg'

import { equal, main, ok, until } from '../t/support/tap.mjs'

const postgrest = new URL(process.env.HTTP_URL).host
const page = readFileSync('doc/postgrest.md', 'utf8')
const folder = mkdtempSync(join(process.env.DJUST_TMP, 'discovery.'))
const email = 'ann@discovery.example'
const password = 'Tulips-4-Ann'

const db = new pg.Client()
await db.connect()

async function one(statement, ...values) {
	const { rows } = await db.query({ text: statement, values, rowMode: 'array' })
	return rows[0][0]
}

const ann = await one('SELECT djust_auth.create_user($1, $2)', email, password)

async function freePort() {
	const server = createServer()
	await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
	const { port } = server.address()
	await new Promise(resolve => server.close(resolve))
	return port
}

function lines(language) {
	return page.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms'))[1].replaceAll('127.0.0.1:3000', postgrest)
}

const proxies = {
	haproxy: {
		configuration: port => `defaults\n mode http\n timeout connect 9s\n timeout client 60s\n timeout server 60s\n` +
			`frontend shop\n bind 127.0.0.1:${port}\n${lines('haproxy')} default_backend postgrest\nbackend postgrest\n server one ${postgrest}\n`,
		options: file => ['-db', '-f', file],
	},
	nginx: {
		configuration: port => `daemon off; pid ${folder}/nginx.pid; error_log stderr; events {}\n` +
			`http { access_log off; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${folder};`).join(' ')}\n` +
			`server { listen 127.0.0.1:${port};\n${lines('nginx')}} }\n`,
		options: file => ['-c', file, '-e', 'stderr'],
	},
}

async function start(name) {
	const port = await freePort()
	const file = join(folder, `${name}.conf`)
	writeFileSync(file, proxies[name].configuration(port))
	const server = spawn(name, proxies[name].options(file), { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, PATH: process.env.PATH + ':/usr/sbin' } })
	process.on('exit', () => server.kill())
	return `http://127.0.0.1:${port}`
}

// For every session, PostgREST's included; awaited.
async function settings(issuer, api) {
	await db.query(issuer ? `ALTER SYSTEM SET djust_auth.issuer = '${issuer}'` : 'ALTER SYSTEM RESET djust_auth.issuer')
	await db.query(api ? `ALTER SYSTEM SET djust_auth.api_url = '${api}'` : 'ALTER SYSTEM RESET djust_auth.api_url')
	await db.query('SELECT pg_reload_conf()')
	await until(async () => await one("SELECT current_setting('djust_auth.issuer') || current_setting('djust_auth.api_url')") === (issuer ?? 'djust_auth') + (api ?? ''), 'the settings')
}

async function journey(name) {
	const issuer = await start(name)
	await settings(issuer, `${issuer}/api`)
	await until(async () => {
		try {
			return (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()).issuer === issuer
		} catch {
			return false
		}
	}, name)
	const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] } // http, to this machine
	const config = await client.discovery(new URL(issuer), 'shop', undefined, client.None(), options)
	const server = config.serverMetadata()
	equal(server.token_endpoint, `${issuer}/api/rpc/djust_token`, `${name}: discovery`)
	const first = await client.genericGrantRequest(config, 'password', { username: email, password })
	equal([first.token_type, first.expires_in], ['bearer', 600], `${name}: password grant`)
	const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri))
	const { payload } = await jose.jwtVerify(first.access_token, keys, { issuer, audience: 'djust_auth', typ: 'at+jwt' })
	equal(payload.sub, ann, `${name}: the keys verify a token of this issuer`)
	const second = await client.refreshTokenGrant(config, first.refresh_token)
	ok(second.refresh_token !== first.refresh_token, `${name}: refresh grant`)
	const user = await client.fetchProtectedResource(config, second.access_token, new URL(`${issuer}/api/rpc/djust_request_user`), 'GET')
	equal(await user.json(), ann, `${name}: a protected resource`)
	await db.query("SET djust_auth.jwt_role = 'http_backend'")
	const bearer = (await one('SELECT djust_login($1, $2)', email, password)).access_token
	await db.query('RESET djust_auth.jwt_role')
	const backend = new client.Configuration(server, 'shop', undefined, (_server, _client, _body, headers) => headers.set('authorization', `Bearer ${bearer}`))
	client.allowInsecureRequests(backend)
	const live = await client.tokenIntrospection(backend, second.access_token)
	equal([live.active, live.sub, live.iss], [true, ann, issuer], `${name}: introspection, by the bearer of a backend`)
	await client.tokenRevocation(config, second.refresh_token, { token_type_hint: 'refresh_token' })
	equal(await client.tokenIntrospection(backend, second.access_token), { active: false }, `${name}: revocation`)
	await settings('https://other.example', `${issuer}/api`)
	try {
		await client.discovery(new URL(issuer), 'shop', undefined, client.None(), options)
		ok(false, `${name}: metadata of another issuer`)
	} catch (error) {
		ok(/issuer/.test(`${error.message} ${error.cause?.message} ${JSON.stringify(error.cause)}`), `${name}: metadata of another issuer are refused by the library`, error.stack)
	}
}

function there(name) {
	try {
		execFileSync(name, ['-v'], { stdio: 'ignore', env: { ...process.env, PATH: process.env.PATH + ':/usr/sbin' } })
		return true
	} catch {
		return false
	}
}

async function by(name) {
	if (!there(name)) return ok(true, `through ${name} # SKIP ${name} is not there`)
	try {
		await journey(name)
	} finally {
		await settings()
	}
}

await main(async function haproxy() { await by('haproxy') }, async function nginx() { await by('nginx') })
