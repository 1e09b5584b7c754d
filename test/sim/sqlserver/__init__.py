"""The synchdb test server: speaks TDS like SQL Server, and is a simulator."""
