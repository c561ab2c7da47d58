# PostgreSQL 15 with djust_auth, from Debian's packages alone: doc/docker.md

FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential fakeroot
WORKDIR /build/djust-auth
COPY debian debian
RUN apt-get build-dep -y --no-install-recommends .
COPY . .
RUN DEB_BUILD_OPTIONS="parallel=$(nproc)" dpkg-buildpackage -b -us -uc

FROM debian:bookworm-slim
COPY --from=build /build/postgresql-15-djust-auth_*.deb /packages/
# the entrypoint makes the cluster, not the package of the server
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-common \
	&& echo 'create_main_cluster = false' >>/etc/postgresql-common/createcluster.conf \
	&& apt-get install -y --no-install-recommends /packages/*.deb \
	&& rm -rf /packages /var/lib/apt/lists/* \
	&& install -d -o postgres -g postgres /run/postgresql
COPY doc/docker/entrypoint.sh /usr/local/bin/djust_auth-entrypoint
USER postgres
VOLUME /var/lib/postgresql
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "/usr/local/bin/djust_auth-entrypoint"]
