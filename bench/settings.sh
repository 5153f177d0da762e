# Server settings of every benchmark here, printed with every result: sourced, gives the array "settings".
settings=(
	-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c jit=off
	-c shared_buffers=2GB -c max_wal_size=16GB -c checkpoint_timeout=1h
)
for argument; do
	if [ "$argument" = --dry ]; then
		export TV_DRY=1
	fi
done
