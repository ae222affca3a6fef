"""The DAO: who has how many votes, proposals and what they would do, voting, queueing, executing."""
